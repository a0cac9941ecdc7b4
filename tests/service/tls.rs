//! TLS on the port of the service.

mod clients;
mod flags;
mod handshakes;
mod reload;
mod starts;

use std::{error::Error, net::SocketAddr};

use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::support::{Certificates, Program, database, within};

/// A running service with TLS.
struct TlsService {
    program: Program,
    address: SocketAddr,
    certificates: Certificates,
}

impl TlsService {
    /// A service with the certificate `server`.
    async fn start(certificates: Certificates, arguments: &[&str]) -> Self {
        Self::start_on("127.0.0.1:0", certificates, arguments).await
    }

    /// The same on this address.
    async fn start_on(listen: &str, certificates: Certificates, arguments: &[&str]) -> Self {
        let url = database().await;
        let (certificate, key) = (
            certificates.file("server.crt"),
            certificates.file("server.key"),
        );
        let mut all = vec!["--database-url", &url, "--tls-cert", &certificate];
        all.extend(["--tls-key", &key]);
        all.extend(arguments);
        let mut program = Program::spawn_on(listen, certificates.folder(), &all, &[]);
        let address = program.address().await;
        Self {
            program,
            address,
            certificates,
        }
    }

    fn endpoint(&self, tls: ClientTlsConfig) -> Endpoint {
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address)).unwrap();
        endpoint.tls_config(tls).unwrap()
    }

    /// A new connection of a client that trusts `ca`.
    async fn connect(&self) -> Result<Channel, String> {
        self.connect_with(self.certificates.trusting("ca")).await
    }

    /// A new connection, over which a call has succeeded; the error otherwise.
    async fn connect_with(&self, tls: ClientTlsConfig) -> Result<Channel, String> {
        let connected = within(self.endpoint(tls).connect()).await;
        let channel = connected.map_err(|error| causes(&error))?;
        call(&channel).await?;
        Ok(channel)
    }
}

/// Makes a call.
async fn call(channel: &Channel) -> Result<(), String> {
    let mut client = HealthClient::new(channel.clone());
    let answer = within(client.check(HealthCheckRequest::default())).await;
    answer.map(|_| ()).map_err(|status| causes(&status))
}

/// An error with its causes.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
