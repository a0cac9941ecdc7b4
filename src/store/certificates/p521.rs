//! Signatures by keys on the curve P-521, which ring does not check.

use std::sync::LazyLock;

use p521::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use rustls::{
    SignatureScheme,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring},
    pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id},
};

const P521: &[&dyn SignatureVerificationAlgorithm] = &[&P521Sha512];

/// ring's algorithms, and last, as it is the slowest, this one.
static ALGORITHMS: LazyLock<WebPkiSupportedAlgorithms> = LazyLock::new(|| {
    let ring = ring::default_provider().signature_verification_algorithms;
    let scheme = (SignatureScheme::ECDSA_NISTP521_SHA512, P521);
    WebPkiSupportedAlgorithms {
        all: [ring.all, P521].concat().leak(),
        mapping: [ring.mapping, &[scheme]].concat().leak(),
    }
});

/// ring, which also checks signatures by keys on P-521.
pub(super) fn provider() -> CryptoProvider {
    CryptoProvider {
        signature_verification_algorithms: *ALGORITHMS,
        ..ring::default_provider()
    }
}

#[derive(Debug)]
struct P521Sha512;

impl SignatureVerificationAlgorithm for P521Sha512 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key);
        let signature = Signature::from_der(signature);
        let (key, signature) = (
            key.map_err(|_| InvalidSignature)?,
            signature.map_err(|_| InvalidSignature)?,
        );
        key.verify(message, &signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA512
    }
}
