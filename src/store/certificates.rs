//! How certificates of the database server are checked, as libpq checks them.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use x509_cert::der::{Decode, Encode};

use super::{InvalidUrl, url::TlsOptions};

/// TLS with these options.
pub(super) fn client_config(options: &TlsOptions) -> Result<ClientConfig, InvalidUrl> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring offers the default versions");
    let chain = match options.checks_certificate() {
        false => None,
        true => {
            let roots = Arc::new(roots(options.root_certificate.as_deref())?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
            Some(verifier.build().map_err(|error| {
                InvalidUrl::file("sslrootcert", options.root_certificate.as_deref(), error)
            })?)
        }
    };
    let verifier = Verifier {
        provider,
        chain,
        checks_name: options.checks_name(),
    };
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some((certificate, key)) = &options.client_certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let certificates = certificates("sslcert", certificate)?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| InvalidUrl::file("sslkey", Some(key), error))?;
    builder
        .with_client_auth_cert(certificates, private)
        .map_err(|error| InvalidUrl::file("sslcert", Some(certificate), error))
}

/// The authorities of a file, or of the system.
fn roots(file: Option<&str>) -> Result<RootCertStore, InvalidUrl> {
    let mut roots = RootCertStore::empty();
    match file {
        None | Some("system") => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(file) => {
            roots.add_parsable_certificates(certificates("sslrootcert", file)?);
        }
    }
    Ok(roots)
}

fn certificates(
    option: &'static str,
    file: &str,
) -> Result<Vec<CertificateDer<'static>>, InvalidUrl> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| InvalidUrl::file(option, Some(file), error))
}

/// Checks as much as `sslmode` says. In all modes the server proves that it has the key of its
/// certificate, which may be of any version: the password may be bound to it.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// Absent if any certificate will do.
    chain: Option<Arc<WebPkiServerVerifier>>,
    checks_name: bool,
}

impl Verifier {
    /// Checks a signature by the key of a certificate. webpki reads only version 3 of certificates.
    fn verify_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let malformed = |_| Error::from(CertificateError::BadEncoding);
        let certificate = x509_cert::Certificate::from_der(certificate).map_err(malformed)?;
        let key = certificate.tbs_certificate.subject_public_key_info;
        // The identifier without its tag and length, as webpki has it.
        let identifier = key.algorithm.to_der().map_err(malformed)?;
        let key = key.subject_public_key.raw_bytes();
        let mapping = self.provider.signature_verification_algorithms.mapping;
        let algorithms = mapping
            .iter()
            .filter(|(scheme, _)| *scheme == signed.scheme);
        let valid = algorithms
            .flat_map(|(_, algorithms)| *algorithms)
            .any(|it| {
                identifier.ends_with(&it.public_key_alg_id())
                    && it
                        .verify_signature(key, message, signed.signature())
                        .is_ok()
            });
        match valid {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        // The name is checked last.
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
