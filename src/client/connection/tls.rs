//! TLS of the client: whom it trusts and what it shows.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::client::error::Error;

/// The flags of TLS.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ClientTlsArgs {
    /// Trust the authorities in this PEM file instead of those of the system
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "MAILING_GROUPS_CA",
        help_heading = "Connection"
    )]
    ca: Option<PathBuf>,
    /// Show this certificate to the service, a PEM file; with --key
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "MAILING_GROUPS_CERT",
        help_heading = "Connection"
    )]
    cert: Option<PathBuf>,
    /// The private key of --cert, a PEM file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "MAILING_GROUPS_KEY",
        help_heading = "Connection"
    )]
    key: Option<PathBuf>,
}

impl ClientTlsArgs {
    /// Adds TLS to an endpoint.
    pub(super) fn secure(&self, endpoint: Endpoint) -> Result<Endpoint, Error> {
        let mut config = match &self.ca {
            Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(ca)?)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => config.identity(Identity::from_pem(read(cert)?, read(key)?)),
            (None, None) => config,
            (Some(_), None) => return Err(Error::Usage("--cert needs --key FILE".to_owned())),
            (None, Some(_)) => return Err(Error::Usage("--key needs --cert FILE".to_owned())),
        };
        endpoint.tls_config(config).map_err(|error| {
            let reason = Error::root(&error);
            let files = [
                ("--ca", &self.ca),
                ("--cert", &self.cert),
                ("--key", &self.key),
            ];
            let files = files
                .iter()
                .filter_map(|(flag, path)| Some(format!("{flag} {}", path.as_deref()?.display())));
            let files: Vec<_> = files.collect();
            Error::Input(format!("{} cannot be used: {reason}", files.join(", ")))
        })
    }

    /// Refuses files that an endpoint without TLS would not use.
    pub(super) fn require_unused(&self) -> Result<(), Error> {
        let files = [
            ("--ca", &self.ca),
            ("--cert", &self.cert),
            ("--key", &self.key),
        ];
        match files.iter().find(|(_, file)| file.is_some()) {
            None => Ok(()),
            Some((flag, _)) => Err(Error::Usage(format!(
                "{flag} is for TLS; write --endpoint https://…"
            ))),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::file("read", path.display(), error))
}
