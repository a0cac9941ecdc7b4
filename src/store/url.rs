//! The options of a URL that concern TLS. The driver knows only some of them.

use percent_encoding::percent_decode_str;

use super::InvalidUrl;

/// `sslmode`, as libpq defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsMode {
    Disable,
    /// With TLS if the server has it. `allow` is the same here: it only prefers clear text.
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsOptions {
    pub(super) mode: TlsMode,
    /// The file of the authorities, or `system`.
    pub(super) root_certificate: Option<String>,
    /// The files of the client's certificate and of its key.
    pub(super) client_certificate: Option<(String, String)>,
}

impl TlsOptions {
    /// Takes the options out of a URL; returns the rest of it too.
    pub(super) fn split(url: &str) -> Result<(String, Self), InvalidUrl> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root, mut certificate, mut key) = (TlsMode::Prefer, None, None, None);
        let mut rest = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => mode = mode_of(&value)?,
                "sslrootcert" => root = Some(value),
                "sslcert" => certificate = Some(value),
                "sslkey" => key = Some(value),
                _ => rest.push(option),
            }
        }
        let client_certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(InvalidUrl::HalfOfAPair),
        };
        let options = Self {
            mode,
            root_certificate: root,
            client_certificate,
        };
        let query = rest.join("&");
        let separator = if query.is_empty() { "" } else { "?" };
        Ok((format!("{base}{separator}{query}"), options))
    }

    /// Whether the certificate must be one of a known authority. As in libpq, a file of authorities
    /// is not ignored by `require`.
    pub(super) fn checks_certificate(&self) -> bool {
        match self.mode {
            TlsMode::Disable | TlsMode::Prefer => false,
            TlsMode::Require => self.root_certificate.is_some(),
            TlsMode::VerifyCa | TlsMode::VerifyFull => true,
        }
    }

    /// Whether the certificate must be for the host of the URL.
    pub(super) fn checks_name(&self) -> bool {
        self.mode == TlsMode::VerifyFull
    }
}

fn mode_of(value: &str) -> Result<TlsMode, InvalidUrl> {
    match value {
        "disable" => Ok(TlsMode::Disable),
        "allow" | "prefer" => Ok(TlsMode::Prefer),
        "require" => Ok(TlsMode::Require),
        "verify-ca" => Ok(TlsMode::VerifyCa),
        "verify-full" => Ok(TlsMode::VerifyFull),
        _ => Err(InvalidUrl::Mode(value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_tls_are_taken_out() {
        let url = "postgres://me:sslmode=no@h/d?sslmode=verify-ca&application_name=a&\
            sslrootcert=%2Fa%20b.pem&sslcert=c&sslkey=k";
        let (rest, options) = TlsOptions::split(url).expect("valid");
        assert_eq!(rest, "postgres://me:sslmode=no@h/d?application_name=a");
        assert_eq!(options.root_certificate.as_deref(), Some("/a b.pem"));
        assert_eq!(options.client_certificate, Some(("c".into(), "k".into())));
        assert!(options.checks_certificate() && !options.checks_name());
    }

    #[test]
    fn wrong_options_say_what_is_right() {
        for (option, part) in [("sslmode=on", "verify-full"), ("sslcert=c", "sslkey")] {
            let error = TlsOptions::split(&format!("postgres://h/d?{option}"));
            let error = error.expect_err("wrong").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
