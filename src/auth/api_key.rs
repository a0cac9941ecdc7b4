//! API keys: long random texts, of which the configuration has only a digest.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Deserializer, de};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How every key begins, so that people and scanners of secrets know it.
pub(super) const PREFIX: &str = "mgk_";

/// The SHA-256 of a key. A key has 256 random bits, so that its digest needs no salt and no slow
/// function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyDigest([u8; 32]);

impl KeyDigest {
    pub(super) fn of(key: &str) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Whether both are equal, in the same time for all.
    pub(super) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<'de> Deserialize<'de> for KeyDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.as_bytes().chunks(2).map(|it| {
            let digits = std::str::from_utf8(it).ok()?;
            let all = digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_hexdigit());
            u8::from_str_radix(digits, 16).ok().filter(|_| all)
        });
        let bytes = digits.collect::<Option<Vec<u8>>>();
        let bytes = bytes.and_then(|it| it.try_into().ok()).map(Self);
        bytes.ok_or_else(|| {
            de::Error::custom("must be 64 hexadecimal digits, as `auth new-key` prints them")
        })
    }
}

/// A new key, and the entry for the configuration.
///
/// # Errors
///
/// If the system has no random numbers.
pub fn new_api_key(
    name: &str,
    tenants: &[String],
    access: &str,
) -> Result<(String, String), ring::error::Unspecified> {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random)?;
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let digest = KeyDigest::of(&key);
    let name = toml::Value::from(name);
    let tenants = toml::Value::from(tenants.to_vec());
    let entry = format!(
        "[[api_key]]\nname = {name}\nsha256 = \"{digest}\"\ntenants = {tenants}\naccess = \"{access}\"\n"
    );
    Ok((key, entry))
}
