//! How connections to the database are made: in the clear, or with TLS as `sslmode` says.

use std::{error::Error, io, iter::successors, sync::Arc, time::Duration};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio_postgres::{CancelToken, Client, Config, Connection, Socket, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long making a connection, or asking for a cancellation, may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What runs a driver's connection.
type DriverConnection = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Makes connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    config: Arc<Config>,
    tls: MakeRustlsConnect,
}

impl Connector {
    /// Reads a `postgres://` URL. `sslmode` means what it means to libpq: `disable`, `prefer`
    /// (the default) and `require` do not check the server's certificate; `verify-full` checks
    /// it against the system's authorities.
    pub(super) fn new(url: &str) -> Result<Self, tokio_postgres::Error> {
        let verify = url.contains("sslmode=verify-full");
        let mut config: Config = url
            .replace("sslmode=verify-full", "sslmode=require")
            .parse()?;
        if config.get_application_name().is_none() {
            config.application_name("mailing-groups");
        }
        // A network that loses everything is noticed within half a minute, whether or not
        // something was under way.
        config
            .connect_timeout(TIMEOUT)
            .keepalives_idle(Duration::from_secs(15))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(30));
        Ok(Self {
            config: Arc::new(config),
            tls: MakeRustlsConnect::new(client_config(verify)),
        })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Makes a connection.
    pub(super) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let (client, connection) = self
            .open()
            .await
            .map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }

    /// Makes a connection of the driver.
    pub(super) async fn open(&self) -> Result<(Client, DriverConnection), ConnectError> {
        let connect = self.config.connect(self.tls.clone());
        match tokio::time::timeout(TIMEOUT, connect).await {
            Ok(connected) => connected.map_err(ConnectError::Driver),
            Err(_) => Err(ConnectError::TimedOut),
        }
    }

    /// Asks the server to cancel what a connection runs.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        match tokio::time::timeout(TIMEOUT, token.cancel_query(self.tls.clone())).await {
            Ok(outcome) => outcome,
            Err(_) => Ok(()),
        }
    }
}

/// Why no connection to the database was made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server did not answer.
    #[error("timed out")]
    TimedOut,
    /// The driver's error.
    #[error("{}", describe(.0))]
    Driver(tokio_postgres::Error),
}

impl ConnectError {
    /// Whether trying again cannot help: the server answered and refused for a reason that does
    /// not pass (by its SQLSTATE), or the URL lacks something. A server that is not reachable,
    /// is starting or stopping, or has no free connection is only away.
    pub fn is_permanent(&self) -> bool {
        /// Connection exceptions, insufficient resources, operator intervention (which includes
        /// `cannot_connect_now`).
        const TRANSIENT_CLASSES: [&str; 3] = ["08", "53", "57"];
        let Self::Driver(error) = self else {
            return false;
        };
        match error.code() {
            Some(state) => !TRANSIENT_CLASSES.contains(&&state.code()[..2]),
            None => {
                let mut causes = successors(Some(error as &dyn Error), |error| (*error).source());
                !error.is_closed() && !causes.any(<dyn Error>::is::<io::Error>)
            }
        }
    }
}

/// The driver's error gives the kind, its cause the rest.
fn describe(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn client_config(verify: bool) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring offers the default versions");
    if !verify {
        let verifier = Arc::new(Unchecked(provider));
        return builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    builder.with_root_certificates(roots).with_no_client_auth()
}

/// Takes any certificate, as libpq does for `sslmode=require`; signatures are still checked.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
