//! The options of a URL that the driver does not know, or not with all values.

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

/// All options of a URL.
pub(super) const OPTIONS: [&str; 23] = [
    "user",
    "password",
    "passfile",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "application_name",
    "options",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslnegotiation",
    "channel_binding",
    "target_session_attrs",
    "load_balance_hosts",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
];

/// How a connection is encrypted, and where its password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UrlOptions {
    pub(super) mode: TlsMode,
    /// The file of the authorities, or `system`.
    pub(super) root_certificate: Option<String>,
    /// The files of the client's certificate and of its key.
    pub(super) client_certificate: Option<(String, String)>,
    /// The file of passwords.
    pub(super) passfile: Option<String>,
}

impl UrlOptions {
    /// Takes these options out of a URL; returns the rest of it too.
    pub(super) fn split(url: &str) -> Result<(String, Self), InvalidUrl> {
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return Err(InvalidUrl::Scheme);
        }
        // As in the driver, a password may contain question marks.
        let host = url.find('@').unwrap_or(0);
        let query = url[host..].find('?').map_or(url.len(), |at| host + at);
        let (base, query) = url.split_at(query);
        let (mut mode, mut root, mut passfile) = (TlsMode::Prefer, None, None);
        let (mut certificate, mut key) = (None, None);
        let mut rest = Vec::new();
        for option in query
            .trim_start_matches('?')
            .split('&')
            .filter(|option| !option.is_empty())
        {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => mode = mode_of(&value)?,
                "sslrootcert" => root = Some(value),
                "sslcert" => certificate = Some(value),
                "sslkey" => key = Some(value),
                "passfile" => passfile = Some(value),
                _ if OPTIONS.contains(&name) => rest.push(option),
                _ => return Err(InvalidUrl::Option(name.to_owned())),
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
            passfile,
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
    fn options_that_the_driver_does_not_know_are_taken_out() {
        let url = "postgres://me:?sslmode=no@h/d?sslmode=verify-ca&application_name=a&\
            sslrootcert=%2Fa%20b.pem&sslcert=c&sslkey=k&passfile=p";
        let (rest, options) = UrlOptions::split(url).expect("valid");
        assert_eq!(rest, "postgres://me:?sslmode=no@h/d?application_name=a");
        assert_eq!(options.root_certificate.as_deref(), Some("/a b.pem"));
        assert_eq!(options.client_certificate, Some(("c".into(), "k".into())));
        assert_eq!(options.passfile.as_deref(), Some("p"));
        assert!(options.checks_certificate() && !options.checks_name());
    }

    #[test]
    fn wrong_options_say_what_is_right() {
        for (option, part) in [
            ("sslmode=on", "verify-full"),
            ("sslcert=c", "sslkey"),
            ("ssl=true", "sslmode, sslrootcert"),
        ] {
            let error = UrlOptions::split(&format!("postgres://h/d?{option}"));
            let error = error.expect_err("wrong").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
