//! The flags of TLS on the port of the service.

use std::path::PathBuf;

use clap::Args;

use crate::server::{ClientAuthority, TlsFiles};

/// The files of TLS. Their content is read again every ten seconds and on SIGHUP.
#[derive(Debug, Clone, Args)]
pub struct TlsOptions {
    /// Speak TLS with this certificate: a PEM file, with the certificates that lead to its authority
    #[arg(
        long,
        value_name = "FILE",
        env = "MAILING_GROUPS_TLS_CERT",
        requires = "tls_key"
    )]
    pub tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert, a PEM file without a password
    #[arg(
        long,
        value_name = "FILE",
        env = "MAILING_GROUPS_TLS_KEY",
        requires = "tls_cert"
    )]
    pub tls_key: Option<PathBuf>,
    /// Ask clients for a certificate that an authority in this PEM file has signed; one is required
    /// unless --auth-config admits clients in other ways
    #[arg(
        long,
        value_name = "FILE",
        env = "MAILING_GROUPS_TLS_CLIENT_CA",
        requires = "tls_cert"
    )]
    pub tls_client_ca: Option<PathBuf>,
}

impl TlsOptions {
    /// The files, if the service speaks TLS. Without a certificate a client is refused if it
    /// `is_required`.
    pub fn files(&self, is_required: bool) -> Option<TlsFiles> {
        Some(TlsFiles {
            certificate: self.tls_cert.clone()?,
            key: self.tls_key.clone()?,
            client_authority: self
                .tls_client_ca
                .clone()
                .map(|file| ClientAuthority { file, is_required }),
        })
    }
}
