//! An issuer of tokens.

use std::path::Path;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair, RsaPublicKeyComponents,
    },
};
use serde_json::{Value, json};

use super::openssl;

pub(super) const ISSUER: &str = "https://login.example.com/";
pub(super) const AUDIENCE: &str = "mailing-groups";

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64
}

/// A key pair.
pub(super) enum Signer {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Signer {
    pub(super) fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap())
    }

    pub(super) fn p256() -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pair = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(kind, pair.as_ref(), &random).unwrap())
    }

    /// ring makes no RSA keys.
    pub(super) fn rsa(folder: &Path) -> Self {
        openssl(
            folder,
            "openssl genrsa -out rsa.pem 2048; openssl pkcs8 -topk8 -nocrypt -outform DER -in rsa.pem -out rsa.der",
        );
        let pair = std::fs::read(folder.join("rsa.der")).unwrap();
        Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(&pair).unwrap()))
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    /// The public key as a JWK.
    pub(super) fn public(&self, id: &str) -> Value {
        let mut key = match self {
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(pair.public_key())})
            }
            Self::P256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y)})
            }
            Self::Rsa(pair) => {
                let key: RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
                json!({"kty": "RSA", "n": encoded(key.n), "e": encoded(key.e)})
            }
        };
        key["kid"] = id.into();
        key
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }
}

/// The set of these keys.
pub(super) fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// The claims of a good token.
pub(super) fn claims(tenants: &[&str], access: &str) -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "service-7",
        "exp": now() + 300,
        "nbf": now(),
        "tenants": tenants,
        "access": access,
    })
}

/// Good claims for `acme` with a change; `null` removes one.
pub(super) fn changed(access: &str, name: &str, value: Value) -> Value {
    let mut claims = claims(&["acme"], access);
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

/// A time so many seconds from now.
pub(super) fn in_seconds(seconds: i64) -> Value {
    json!(now() + seconds)
}

/// A token with this header and signature.
pub(super) fn token(header: Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!(
        "{}.{}",
        encoded(header.to_string()),
        encoded(claims.to_string())
    );
    let signature = sign(message.as_bytes());
    format!("Bearer {message}.{}", encoded(signature))
}

/// A token that is signed as it says.
pub(super) fn signed(signer: &Signer, id: &str, claims: &Value) -> String {
    let header = json!({"alg": signer.algorithm(), "typ": "JWT", "kid": id});
    token(header, claims, |message| signer.sign(message))
}

/// A token of which the public key is taken for a secret that both sides know.
pub(super) fn signed_with_public_key(signer: &Signer, id: &str, claims: &Value) -> String {
    let public = signer.public(id)["x"].as_str().unwrap().to_owned();
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &URL_SAFE_NO_PAD.decode(public).unwrap());
    let header = json!({"alg": "HS256", "kid": id});
    token(header, claims, |message| {
        hmac::sign(&secret, message).as_ref().to_vec()
    })
}
