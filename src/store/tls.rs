//! Makes connections to the database: in clear text, or with TLS as `sslmode` says.

use std::{error::Error, io, iter::successors, path::PathBuf, sync::Arc, time::Duration};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::UnixStream,
};
use tokio_postgres::{
    CancelToken, Client, Config, Connection, NoTls, Socket,
    config::{Host, SslMode, SslNegotiation},
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::either::Either;

use super::{
    InvalidUrl, certificates, passfile,
    sqlstate::{SqlState, Tapped},
    url::{TlsMode, UrlOptions},
};

type BoxError = Box<dyn Error + Send + Sync>;

/// Time limit of making a connection, and of a request to cancel a statement.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Makes connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    config: Arc<Config>,
    tls: MakeTls,
}

impl Connector {
    /// Reads a `postgres://` URL. `sslmode` means what it means to libpq.
    pub(super) fn new(url: &str) -> Result<Self, InvalidUrl> {
        let (url, options) = UrlOptions::split(url)?;
        let mut config: Config = url.parse()?;
        if config.get_application_name().is_none() {
            config.application_name("mailing-groups");
        }
        // A connection over a dead network is closed within half a minute, idle or not.
        config
            .connect_timeout(TIMEOUT)
            .keepalives_idle(Duration::from_secs(15))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(30));
        // The driver needs a host name for every address that TLS is negotiated with.
        if config.get_hosts().is_empty() {
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        if let (Some(file), None) = (&options.passfile, config.get_password())
            && let Some(password) = passfile::password(file, &config)?
        {
            config.password(password);
        }
        // The driver leaves negotiating TLS to `MakeTls`, which taps the stream in every mode.
        config
            .ssl_mode(SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct);
        Ok(Self {
            config: Arc::new(config),
            tls: MakeTls {
                rustls: MakeRustlsConnect::new(certificates::client_config(&options)?),
                mode: options.mode,
                last_error: SqlState::default(),
            },
        })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Makes a connection. The second value gets the SQLSTATEs of its errors.
    pub(super) async fn connect(&self) -> ConnectionResult<(AsyncPgConnection, SqlState)> {
        let (client, sqlstate) = self
            .open()
            .await
            .map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
        Ok((AsyncPgConnection::try_from(client).await?, sqlstate))
    }

    /// Makes a connection of the driver; it is closed when the client is dropped.
    pub(super) async fn open(&self) -> Result<(Client, SqlState), ConnectError> {
        let last_error = SqlState::default();
        let connect = async {
            match self.unix_sockets() {
                Some(paths) => {
                    let stream = connect_any(&paths).await.map_err(ConnectError::Socket)?;
                    let stream = Tapped::new(stream, last_error.clone());
                    let mut config = Config::clone(&self.config);
                    config.ssl_mode(SslMode::Disable);
                    let connected = config.connect_raw(stream, NoTls).await;
                    connected.map(spawn).map_err(ConnectError::Driver)
                }
                None => {
                    let tls = MakeTls {
                        last_error: last_error.clone(),
                        ..self.tls.clone()
                    };
                    let connected = self.config.connect(tls).await;
                    connected.map(spawn).map_err(ConnectError::Driver)
                }
            }
        };
        match tokio::time::timeout(TIMEOUT, connect).await {
            Ok(connected) => Ok((connected?, last_error)),
            Err(_) => Err(ConnectError::TimedOut),
        }
    }

    /// Requests the server to cancel the statement of a connection.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        let cancel = async {
            match self.unix_sockets() {
                Some(paths) => match connect_any(&paths).await {
                    Ok(stream) => token.cancel_query_raw(stream, NoTls).await,
                    Err(_) => Ok(()),
                },
                None => token.cancel_query(self.tls.clone()).await,
            }
        };
        tokio::time::timeout(TIMEOUT, cancel)
            .await
            .unwrap_or(Ok(()))
    }

    /// The paths of the sockets, if all hosts are directories of Unix sockets. PostgreSQL does not
    /// support TLS there, and the driver cannot tap such a socket.
    fn unix_sockets(&self) -> Option<Vec<PathBuf>> {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate();
        let paths = hosts.map(|(at, host)| match host {
            Host::Unix(directory) => {
                let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
                Some(directory.join(format!(".s.PGSQL.{port}")))
            }
            Host::Tcp(_) => None,
        });
        paths
            .collect::<Option<Vec<_>>>()
            .filter(|paths| !paths.is_empty())
    }
}

/// Connects to the first socket that accepts.
async fn connect_any(paths: &[PathBuf]) -> io::Result<UnixStream> {
    let mut refused = io::Error::from(io::ErrorKind::NotFound);
    for path in paths {
        match UnixStream::connect(path).await {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Runs a connection in the background.
fn spawn<S, T>((client, connection): (Client, Connection<S, T>)) -> Client
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("a database connection ended: {}", describe(&error));
        }
    });
    client
}

type RustlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Negotiates TLS as `mode` says, and taps the stream.
#[derive(Clone)]
struct MakeTls {
    rustls: MakeRustlsConnect,
    mode: TlsMode,
    last_error: SqlState,
}

/// As [`MakeTls`], for one host.
struct Tls {
    rustls: <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect,
    mode: TlsMode,
    last_error: SqlState,
}

impl MakeTlsConnect<Socket> for MakeTls {
    type Stream = Tapped<Either<Socket, RustlsStream>>;
    type TlsConnect = Tls;
    type Error = BoxError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Tls, BoxError> {
        Ok(Tls {
            rustls: MakeTlsConnect::<Socket>::make_tls_connect(&mut self.rustls, domain)?,
            mode: self.mode,
            last_error: self.last_error.clone(),
        })
    }
}

impl TlsConnect<Socket> for Tls {
    type Stream = Tapped<Either<Socket, RustlsStream>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Stream, BoxError>>;

    fn connect(self, mut socket: Socket) -> Self::Future {
        /// "SSLRequest" of PostgreSQL's message formats.
        const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
        Box::pin(async move {
            let mut accepted = false;
            if self.mode != TlsMode::Disable {
                socket.write_all(&SSL_REQUEST).await?;
                accepted = socket.read_u8().await? == b'S';
            }
            let stream = match (accepted, self.mode) {
                (true, _) => Either::Right(self.rustls.connect(socket).await?),
                (false, TlsMode::Disable | TlsMode::Prefer) => Either::Left(socket),
                (false, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => {
                    return Err("server does not support TLS".into());
                }
            };
            Ok(Tapped::new(stream, self.last_error))
        })
    }
}

impl TlsStream for Tapped<Either<Socket, RustlsStream>> {
    fn channel_binding(&self) -> ChannelBinding {
        match self.stream() {
            Either::Left(_) => ChannelBinding::none(),
            Either::Right(tls) => tls.channel_binding(),
        }
    }
}

/// Why no connection to the database was made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server did not answer.
    #[error("timed out")]
    TimedOut,
    /// The Unix socket cannot be used.
    #[error("cannot connect to the socket: {0}")]
    Socket(io::Error),
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

#[cfg(test)]
mod tests;
