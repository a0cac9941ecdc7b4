//! The token that a client sends with each call.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use http::Uri;
use tonic::metadata::{Ascii, MetadataValue};

use crate::client::error::Error;

/// The flags of the token.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct TokenArgs {
    /// Token or API key to send with each call. Other users of this computer see the flag; the
    /// variable and --token-file are hidden from them
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "MAILING_GROUPS_TOKEN",
        hide_env_values = true,
        help_heading = "Connection"
    )]
    token: Option<String>,
    /// File with the token, read for each call, so that it may be renewed meanwhile
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "MAILING_GROUPS_TOKEN_FILE",
        help_heading = "Connection"
    )]
    token_file: Option<PathBuf>,
    /// Send the token to another computer without TLS, where others may read it
    #[arg(
        long,
        global = true,
        env = "MAILING_GROUPS_ALLOW_PLAINTEXT_TOKEN",
        help_heading = "Connection"
    )]
    allow_plaintext_token: bool,
}

impl TokenArgs {
    /// What each call sends. Fails if the token must not go to the endpoint, or cannot be read.
    pub(super) fn source(&self, endpoint: &Uri) -> Result<TokenSource, Error> {
        let source = match (&self.token, &self.token_file) {
            (Some(token), _) if !token.trim().is_empty() => {
                TokenSource::Fixed(header("--token", token)?)
            }
            (_, Some(file)) => TokenSource::File(file.clone()),
            (_, None) => TokenSource::None,
        };
        source.current()?;
        let is_private = endpoint.scheme_str() == Some("https") || is_loopback(endpoint);
        if matches!(source, TokenSource::None) || is_private || self.allow_plaintext_token {
            return Ok(source);
        }
        Err(Error::Usage(format!(
            "the token would go to {} without TLS, where others may read it; use https://, or \
             --allow-plaintext-token in a network that you trust",
            endpoint.host().unwrap_or_default()
        )))
    }
}

fn is_loopback(endpoint: &Uri) -> bool {
    let host = endpoint.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|it| it.to_canonical().is_loopback())
}

/// Where the token of a call comes from.
#[derive(Debug, Clone)]
pub(super) enum TokenSource {
    None,
    Fixed(MetadataValue<Ascii>),
    File(PathBuf),
}

impl TokenSource {
    /// The value of the header `authorization` now.
    pub(super) fn current(&self) -> Result<Option<MetadataValue<Ascii>>, Error> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(header) => Ok(Some(header.clone())),
            Self::File(path) => read(path).map(Some),
        }
    }
}

fn read(path: &Path) -> Result<MetadataValue<Ascii>, Error> {
    let name = path.display().to_string();
    let token = fs::read_to_string(path).map_err(|error| Error::file("read", &name, error))?;
    header(&format!("--token-file {name}"), &token)
}

/// `authorization: Bearer TOKEN`. The token is not part of errors.
fn header(origin: &str, token: &str) -> Result<MetadataValue<Ascii>, Error> {
    let token = token.trim();
    let is_token = !token.is_empty() && token.bytes().all(|it| it.is_ascii_graphic());
    let header = is_token.then(|| format!("Bearer {token}").parse().ok());
    let mut header: MetadataValue<Ascii> = header.flatten().ok_or_else(|| {
        Error::Input(format!(
            "{origin}: not a token; it is one word of ASCII characters"
        ))
    })?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(endpoint: &str, allowed: bool) -> bool {
        let args = TokenArgs {
            token: Some("secret".into()),
            token_file: None,
            allow_plaintext_token: allowed,
        };
        args.source(&endpoint.parse().expect("a URL")).is_err()
    }

    #[test]
    fn a_token_goes_to_another_computer_by_tls_only() {
        for local in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"] {
            assert!(!refused(local, false), "{local}");
        }
        for remote in [
            "http://example.com:1",
            "http://10.0.0.1:1",
            "http://localhost.example:1",
        ] {
            assert!(refused(remote, false), "{remote}");
            assert!(!refused(remote, true), "{remote}");
            assert!(!refused(&remote.replace("http:", "https:"), false));
        }
    }

    #[test]
    fn a_file_is_read_for_each_call() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let source = TokenSource::File(path.clone());
        assert!(source.current().is_err());
        for token in ["one\n", "two"] {
            fs::write(&path, token).expect("written");
            let header = source.current().expect("a token").expect("a token");
            assert_eq!(header, format!("Bearer {}", token.trim()).as_str());
        }
        for broken in ["", "two words", "ключ"] {
            fs::write(&path, broken).expect("written");
            let error = source.current().expect_err(broken).to_string();
            assert!(error.contains("--token-file"), "{error}");
            assert!(broken.is_empty() || !error.contains(broken), "{error}");
        }
    }
}
