//! The flags of TLS on the port of the service.

use std::{net::SocketAddr, path::PathBuf};

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
    /// Let other computers connect without TLS or without authentication: every client that reaches the
    /// port may read and change everything
    #[arg(long, env = "MAILING_GROUPS_INSECURE")]
    pub insecure: bool,
}

impl TlsOptions {
    /// Refuses the address of a flag that other computers can reach, unless there are TLS and authentication or
    /// --insecure; then the warning for the log.
    ///
    /// # Errors
    ///
    /// If the address is refused. The text says what to do.
    pub fn check_exposure(
        &self,
        flag: &str,
        listen: SocketAddr,
        authenticates: bool,
    ) -> Result<Option<String>, String> {
        let is_local = listen.ip().to_canonical().is_loopback();
        let missing = match (self.tls_cert.is_some(), authenticates) {
            (true, true) => return Ok(None),
            _ if is_local => return Ok(None),
            (false, false) => "TLS and authentication",
            (false, true) => "TLS",
            (true, false) => "authentication",
        };
        match self.insecure {
            true => Ok(Some(format!(
                "--insecure: other computers reach {listen} without {missing}"
            ))),
            false => Err(format!(
                "other computers would reach {listen} without {missing}. Choose one of these: \
                 {flag} 127.0.0.1:{port} for this computer only; --tls-cert FILE --tls-key FILE with \
                 --auth-config FILE or --tls-client-ca FILE; or --insecure, where a proxy or the \
                 network protects the port",
                port = listen.port()
            )),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(listen: &str, tls: bool, authenticates: bool, insecure: bool) -> String {
        let options = TlsOptions {
            tls_cert: tls.then(|| "server.crt".into()),
            tls_key: tls.then(|| "server.key".into()),
            tls_client_ca: None,
            insecure,
        };
        let checked = options.check_exposure(
            "--listen",
            listen.parse().expect("an address"),
            authenticates,
        );
        checked.map_or_else(|refused| refused, Option::unwrap_or_default)
    }

    #[test]
    fn other_computers_need_tls_and_authentication() {
        for local in [
            "127.0.0.1:1",
            "127.9.9.9:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert_eq!(checked(local, false, false, false), "", "{local}");
        }
        for open in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1"] {
            assert_eq!(checked(open, true, true, false), "", "{open}");
            for (tls, authenticates, missing) in [
                (false, false, "without TLS and authentication"),
                (false, true, "without TLS"),
                (true, false, "without authentication"),
            ] {
                let refused = checked(open, tls, authenticates, false);
                assert!(refused.contains(missing), "{refused}");
                for way in ["--listen 127.0.0.1:1 ", "--tls-cert FILE", "or --insecure"] {
                    assert!(refused.contains(way), "{refused}");
                }
                let warning = checked(open, tls, authenticates, true);
                assert!(warning.starts_with("--insecure: "), "{warning}");
                assert!(warning.ends_with(missing), "{warning}");
            }
        }
    }
}
