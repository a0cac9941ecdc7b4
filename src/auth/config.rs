//! The file that says who may do what.

use std::{collections::BTreeSet, fmt::Display, ops::Range, path::PathBuf};

use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::api_key::KeyDigest;
use crate::model::{AccessLevel, GrantedTenants, Principal};

/// The content of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthConfig {
    #[serde(default)]
    pub(super) jwt: Vec<JwtEntry>,
    #[serde(default)]
    pub(super) api_key: Vec<ApiKeyEntry>,
    #[serde(default)]
    pub(super) client_certificate: Vec<CertificateEntry>,
}

/// Tokens of one issuer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JwtEntry {
    pub(super) issuer: Spanned<Text>,
    pub(super) audience: Text,
    pub(super) keys_file: Option<PathBuf>,
    pub(super) keys_url: Option<HttpsUrl>,
    /// The authorities that the certificate of `keys_url` may come from, instead of the system's.
    pub(super) keys_ca: Option<PathBuf>,
    #[serde(default = "tenants")]
    pub(super) tenants_claim: Text,
    #[serde(default = "access")]
    pub(super) access_claim: Text,
}

fn tenants() -> Text {
    Text("tenants".to_owned())
}

fn access() -> Text {
    Text("access".to_owned())
}

/// One API key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKeyEntry {
    pub(super) name: PrincipalName,
    pub(super) sha256: Spanned<KeyDigest>,
    pub(super) tenants: Tenants,
    pub(super) access: AccessLevel,
}

/// The certificates with one alternative name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CertificateEntry {
    pub(super) san: Spanned<PrincipalName>,
    pub(super) tenants: Tenants,
    pub(super) access: AccessLevel,
}

/// Reads a text and checks it.
fn checked<'de, D: Deserializer<'de>, T, E: Display>(
    deserializer: D,
    check: impl FnOnce(String) -> Result<T, E>,
) -> Result<T, D::Error> {
    check(String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// A text that is not blank.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        checked(deserializer, |text| match text.trim().is_empty() {
            true => Err("must not be blank"),
            false => Ok(Self(text)),
        })
    }
}

/// The name of a principal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PrincipalName(pub(super) String);

impl<'de> Deserialize<'de> for PrincipalName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        checked(deserializer, |text| {
            Principal::check_name(&text).map(|()| Self(text))
        })
    }
}

/// An address that begins with `https://`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HttpsUrl(pub(super) reqwest::Url);

impl<'de> Deserialize<'de> for HttpsUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = "must be a URL such as https://login.example.com/jwks.json";
        checked(deserializer, |text| match text.parse::<reqwest::Url>() {
            Ok(url) if url.scheme() == "https" && url.has_host() => Ok(Self(url)),
            Ok(_) | Err(_) => Err(shape),
        })
    }
}

/// The tenants of an entry.
#[derive(Debug)]
pub(super) struct Tenants(pub(super) GrantedTenants);

impl<'de> Deserialize<'de> for Tenants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let granted = GrantedTenants::parse(names.iter().map(String::as_str));
        let granted = granted.map_err(|error| {
            let error = format!("each tenant {error}; `*` stands for all tenants");
            de::Error::custom(error)
        });
        granted.map(Self)
    }
}

impl AuthConfig {
    /// Reads the file's text. The error names the line.
    pub(super) fn parse(text: &str, asks_for_certificates: bool) -> Result<Self, String> {
        let config: Result<Self, _> = toml::from_str(text);
        // Its text would show the line, in which there may be a key in place of its digest.
        let config = config.map_err(|error| at_line(text, error.span(), error.message()))?;
        match config.fault(asks_for_certificates) {
            None => Ok(config),
            Some((at, fault)) => Err(at_line(text, at, &fault)),
        }
    }

    /// What is wrong between entries or fields, and where.
    fn fault(&self, asks_for_certificates: bool) -> Option<(Option<Range<usize>>, String)> {
        if self.jwt.is_empty() && self.api_key.is_empty() && self.client_certificate.is_empty() {
            let fault = "no caller could be authenticated: add a [[jwt]], [[api_key]] or [[client_certificate]]";
            return Some((None, fault.to_owned()));
        }
        let jwt = self.jwt.iter().find_map(|it| {
            let fault = it.fault()?;
            Some((Some(it.issuer.span()), fault.to_owned()))
        });
        let certificate = self.client_certificate.first();
        let certificate = certificate.filter(|_| !asks_for_certificates).map(|it| {
            let fault = "a [[client_certificate]] needs --tls-client-ca FILE: without it the server \
                         requests no certificates of clients";
            (Some(it.san.span()), fault.to_owned())
        });
        let issuers = self.jwt.iter().map(|it| &it.issuer);
        let digests = self.api_key.iter().map(|it| &it.sha256);
        let names = self.client_certificate.iter().map(|it| &it.san);
        jwt.or(certificate)
            .or_else(|| repeated(issuers, "another [[jwt]] has this issuer"))
            .or_else(|| repeated(digests, "another [[api_key]] has this sha256"))
            .or_else(|| repeated(names, "another [[client_certificate]] has this san"))
    }
}

/// A fault with the line that it is in.
fn at_line(text: &str, at: Option<Range<usize>>, fault: &str) -> String {
    let before = at.and_then(|at| text.as_bytes().get(..at.start));
    let line = before.map(|it| it.iter().filter(|byte| **byte == b'\n').count() + 1);
    line.map_or_else(|| fault.to_owned(), |line| format!("line {line}: {fault}"))
}

fn repeated<'v, T: Ord + 'v>(
    values: impl Iterator<Item = &'v Spanned<T>>,
    fault: &str,
) -> Option<(Option<Range<usize>>, String)> {
    let mut seen = BTreeSet::new();
    let mut values = values;
    let again = values.find(|it| !seen.insert(it.get_ref()))?;
    Some((Some(again.span()), fault.to_owned()))
}

impl JwtEntry {
    fn fault(&self) -> Option<&'static str> {
        match (&self.keys_file, &self.keys_url, &self.keys_ca) {
            (Some(_), None, None) | (None, Some(_), _) => None,
            (None, None, _) => Some("this [[jwt]] needs keys_file or keys_url"),
            (Some(_), Some(_), _) => Some("this [[jwt]] has keys_file and keys_url; leave one out"),
            (Some(_), None, Some(_)) => Some("this [[jwt]] has keys_ca, which is for keys_url"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::api_key::new_api_key;

    const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn key(changed: &str, to: &str) -> String {
        format!(
            "[[api_key]]\nname = \"crm\"\nsha256 = \"{DIGEST}\"\ntenants = [\"acme\"]\n\
             access = \"reader\"\n"
        )
        .replace(changed, to)
    }

    #[test]
    fn all_kinds_of_entries_are_read() {
        let text = "[[jwt]]\nissuer = \"https://login.example.com/\"\naudience = \"a\"\n\
             keys_file = \"jwks.json\"\ntenants_claim = \"t\"\naccess_claim = \"a\"\n\
             [[client_certificate]]\nsan = \"spiffe://example.com/crm\"\ntenants = [\"*\"]\n\
             access = \"admin\"\n";
        let config = AuthConfig::parse(&(key("", "") + text), true).expect("a configuration");
        assert_eq!(config.jwt[0].tenants_claim.0, "t");
        assert_eq!(config.client_certificate[0].tenants.0, GrantedTenants::All);
        assert_eq!(config.api_key[0].access, AccessLevel::Reader);
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let jwt = "[[jwt]]\nissuer = \"i\"\naudience = \"a\"\n";
        for (text, parts) in [
            (
                key("name", "nmae"),
                ["line 2", "unknown field `nmae`, expected"],
            ),
            (
                key("\"reader\"", "\"owner\""),
                ["line 5", "expected one of `reader`"],
            ),
            (key("\"acme\"", "\"Acme\""), ["line 4", "a-z 0-9 -"]),
            (key("\"acme\"", ""), ["line 4", "must not be blank"]),
            (key(DIGEST, "beef"), ["line 3", "64 hexadecimal digits"]),
            (key("\"crm\"", "\"\""), ["line 2", "must not be blank"]),
            (
                key("", "").repeat(2),
                ["line 8", "another [[api_key]] has this sha256"],
            ),
            (jwt.to_owned(), ["line 2", "needs keys_file or keys_url"]),
            (
                format!("{jwt}keys_url = \"http://x/\""),
                ["line 4", "https://"],
            ),
            (
                "[[client_certificate]]\nsan = \"a.example.com\"\ntenants = [\"*\"]\naccess = \"reader\""
                    .to_owned(),
                ["line 2", "--tls-client-ca FILE"],
            ),
            (String::new(), ["no caller could be", "[[api_key]]"]),
        ] {
            let error = AuthConfig::parse(&text, false).expect_err("a mistake");
            for part in parts {
                assert!(error.contains(part), "{part:?} in {error}");
            }
            assert!(!error.contains("beef"), "{error}");
        }
    }

    #[test]
    fn a_new_key_fits_its_entry() {
        let tenants = ["acme".to_owned(), "globex".to_owned()];
        let (key, entry) = new_api_key("a \"b\"", &tenants, "assigner").expect("a key");
        assert!(key.starts_with("mgk_") && key.len() == 47, "{key}");
        let config = AuthConfig::parse(&entry, false).expect("an entry");
        assert_eq!(config.api_key[0].name.0, "a \"b\"");
        let digest = config.api_key[0].sha256.get_ref();
        assert!(digest.matches(&KeyDigest::of(&key)));
        assert!(!digest.matches(&KeyDigest::of("mgk_")));
    }
}
