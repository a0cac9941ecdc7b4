//! How certificates of the database server are checked, as libpq checks them.

mod names;
mod p521;

use std::{sync::Arc, time::Duration};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::WebPkiSupportedAlgorithms,
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName, UnixTime,
        pem::{self, PemObject},
    },
    server::ParsedCertificate,
};
use x509_cert::{
    Certificate,
    der::{Decode, Encode},
};

use super::{InvalidUrl, url::UrlOptions};

/// TLS with these options.
pub(super) fn client_config(options: &UrlOptions) -> Result<ClientConfig, InvalidUrl> {
    let provider = Arc::new(p521::provider());
    let verifier = Verifier {
        algorithms: provider.signature_verification_algorithms,
        trusted: match options.checks_certificate() {
            false => None,
            true => Some(Trusted::read(options.root_certificate.as_deref())?),
        },
        checks_name: options.checks_name(),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring offers the default versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some((certificate, key)) = &options.client_certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let certificates = certificates("sslcert", certificate)?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| InvalidUrl::file("sslkey", key, error))?;
    builder
        .with_client_auth_cert(certificates, private)
        .map_err(|error| InvalidUrl::file("sslcert", certificate, error))
}

fn certificates(
    option: &'static str,
    file: &str,
) -> Result<Vec<CertificateDer<'static>>, InvalidUrl> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .and_then(|certificates: Vec<_>| match certificates.is_empty() {
            true => Err(pem::Error::NoItemsFound),
            false => Ok(certificates),
        })
        .map_err(|error| InvalidUrl::file(option, file, error))
}

/// Reads a certificate of any version; webpki reads only version 3.
fn parse(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

/// What a certificate must be, or be signed by.
#[derive(Debug)]
struct Trusted {
    authorities: RootCertStore,
    /// Those of a file may be the server's own.
    certificates: Vec<CertificateDer<'static>>,
}

impl Trusted {
    /// Reads a file, or takes the authorities of the system.
    fn read(file: Option<&str>) -> Result<Self, InvalidUrl> {
        let mut authorities = RootCertStore::empty();
        let certificates = match file {
            None | Some("system") => {
                let system = rustls_native_certs::load_native_certs().certs;
                authorities.add_parsable_certificates(system);
                Vec::new()
            }
            Some(file) => certificates("sslrootcert", file)?,
        };
        authorities.add_parsable_certificates(certificates.iter().cloned());
        Ok(Self {
            authorities,
            certificates,
        })
    }

    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), Error> {
        if !self.certificates.contains(certificate) {
            return verify_server_cert_signed_by_trust_anchor(
                &ParsedCertificate::try_from(certificate)?,
                &self.authorities,
                intermediates,
                now,
                algorithms.all,
            );
        }
        let validity = parse(certificate)?.tbs_certificate.validity;
        let now = Duration::from_secs(now.as_secs());
        if now < validity.not_before.to_unix_duration() {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > validity.not_after.to_unix_duration() {
            return Err(CertificateError::Expired.into());
        }
        Ok(())
    }
}

/// Checks as much as `sslmode` says. In all modes the server proves that it has the key of its
/// certificate, which may be of any version: the password may be bound to it.
#[derive(Debug)]
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    /// Absent if any certificate will do.
    trusted: Option<Trusted>,
    checks_name: bool,
}

impl Verifier {
    fn verify_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = parse(certificate)?.tbs_certificate.subject_public_key_info;
        // The identifier without its tag and length, as webpki has it.
        let identifier = key.algorithm.to_der();
        let identifier = identifier.map_err(|_| Error::from(CertificateError::BadEncoding))?;
        let key = key.subject_public_key.raw_bytes();
        let mapping = self.algorithms.mapping.iter();
        let valid = mapping
            .filter(|(scheme, _)| *scheme == signed.scheme)
            .flat_map(|(_, algorithms)| *algorithms)
            .filter(|it| identifier.ends_with(&it.public_key_alg_id()))
            .any(|it| {
                it.verify_signature(key, message, signed.signature())
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
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(trusted) = &self.trusted {
            trusted.verify(end_entity, intermediates, now, &self.algorithms)?;
        }
        if self.checks_name {
            names::verify(end_entity, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
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
        self.algorithms.supported_schemes()
    }
}
