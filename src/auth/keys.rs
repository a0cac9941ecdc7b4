//! The public keys of an issuer (RFC 7517).

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};

/// A public key, and the one algorithm that it is for.
pub(super) struct PublicKey {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// The keys that an issuer signs with.
pub(super) struct KeySet(Vec<PublicKey>);

impl KeySet {
    /// Reads a JWK set. Keys that cannot verify signatures are left out.
    ///
    /// # Errors
    ///
    /// If it is malformed, or no key is left.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_slice(text)
            .map_err(|error| format!("must be a JWK set, {{\"keys\": [...]}}: {error}"))?;
        let keys: Vec<_> = set.keys.iter().filter_map(public_key).collect();
        match keys.is_empty() {
            true => Err(
                "must have a public key for RS256, RS384, RS512, PS256, PS384, PS512, \
                         ES256, ES384 or EdDSA (Ed25519); RSA keys need 2048 bits"
                    .to_owned(),
            ),
            false => Ok(Self(keys)),
        }
    }

    /// The key with this id. A token may leave it out if there is one key only.
    pub(super) fn find(&self, id: Option<&str>) -> Option<&PublicKey> {
        match (id, &*self.0) {
            (None, [key]) => Some(key),
            (None, _) => None,
            (Some(_), keys) => keys.iter().find(|key| key.id.as_deref() == id),
        }
    }
}

fn public_key(jwk: &Jwk) -> Option<PublicKey> {
    if let Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_)) = jwk.common.public_key_use {
        return None;
    }
    Some(PublicKey {
        id: jwk.common.key_id.clone(),
        algorithm: algorithm(jwk)?,
        key: DecodingKey::from_jwk(jwk).ok().filter(is_long)?,
    })
}

/// The key says the algorithm, or its type does. Never the token: its sender may have chosen one by
/// which the public key is a shared secret.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let possible: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(key) => match key.curve {
            EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
            _ => &[],
        },
        _ => &[],
    };
    let mut possible = possible.iter().copied();
    match jwk.common.key_algorithm {
        None => possible.next(),
        Some(stated) => possible.find(|it| KeyAlgorithm::from(*it) == stated),
    }
}

/// Whether an RSA key has at least 2048 bits; ring refuses shorter ones.
fn is_long(key: &DecodingKey) -> bool {
    match key.kind() {
        jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, .. } => n.len() >= 256,
        jsonwebtoken::DecodingKeyKind::SecretOrDer(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED: &str =
        r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn parse(keys: &[String]) -> Result<KeySet, String> {
        KeySet::parse(format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes())
    }

    #[test]
    fn the_algorithm_follows_from_the_key() {
        let n = "A".repeat(342);
        let ec = "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"";
        let keys = [
            format!("{{\"kid\":\"ed\",{ED}}}"),
            format!("{{\"kid\":\"ec\",\"alg\":\"ES256\",{ec}}}"),
            format!("{{\"kid\":\"rsa\",\"kty\":\"RSA\",\"n\":\"{n}\",\"e\":\"AQAB\"}}"),
            format!(
                "{{\"kid\":\"ps\",\"alg\":\"PS256\",\"kty\":\"RSA\",\"n\":\"{n}\",\"e\":\"AQAB\"}}"
            ),
        ];
        let set = parse(&keys).expect("keys");
        for (id, algorithm) in [
            ("ed", Algorithm::EdDSA),
            ("ec", Algorithm::ES256),
            ("rsa", Algorithm::RS256),
            ("ps", Algorithm::PS256),
        ] {
            let key = set.find(Some(id)).expect("a key");
            assert_eq!(key.algorithm, algorithm, "{id}");
        }
        assert!(set.find(None).is_none() && set.find(Some("other")).is_none());
        let one = parse(&keys[..1]).expect("a key");
        assert!(one.find(None).is_some() && one.find(Some("ed")).is_some());
    }

    #[test]
    fn keys_that_verify_nothing_are_left_out() {
        let unusable = [
            format!("{{\"use\":\"enc\",{ED}}}"),
            format!("{{\"alg\":\"RS256\",{ED}}}"),
            "{\"kty\":\"oct\",\"k\":\"AAAA\"}".to_owned(),
            "{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAAA\"}".to_owned(),
            "{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}".to_owned(),
            "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"}".to_owned(),
            "{\"kty\":\"new\"}".to_owned(),
        ];
        for key in &unusable {
            let error = parse(std::slice::from_ref(key)).err().expect("no key");
            assert!(error.contains("must have a public key"), "{key}: {error}");
        }
        let all = [&unusable[..], &[format!("{{{ED}}}")]].concat();
        assert!(parse(&all).is_ok());
        assert!(KeySet::parse(b"[]").is_err());
    }
}
