//! Whether a certificate is for a host.

use std::str;

use rustls::{
    CertificateError, Error,
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName},
    server::ParsedCertificate,
};
use x509_cert::{
    Certificate,
    der::oid::db::{rfc4519::COMMON_NAME, rfc5280::ID_CE_SUBJECT_ALT_NAME},
};

/// As libpq does, takes the common name of a certificate that has no alternative names.
pub(super) fn verify(certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> Result<(), Error> {
    let parsed = super::parse(certificate)?;
    match common_name(&parsed) {
        Some(name) if matches(name, &host.to_str()) => Ok(()),
        Some(_) => Err(CertificateError::NotValidForName.into()),
        None => verify_server_name(&ParsedCertificate::try_from(certificate)?, host),
    }
}

/// The common name, if there are no alternative ones.
fn common_name(certificate: &Certificate) -> Option<&str> {
    let certificate = &certificate.tbs_certificate;
    let mut extensions = certificate.extensions.iter().flatten();
    if extensions.any(|extension| extension.extn_id == ID_CE_SUBJECT_ALT_NAME) {
        return None;
    }
    let mut attributes = certificate
        .subject
        .0
        .iter()
        .flat_map(|names| names.0.iter());
    let name = attributes.find(|attribute| attribute.oid == COMMON_NAME)?;
    str::from_utf8(name.value.value()).ok()
}

/// `*.` stands for one label.
fn matches(name: &str, host: &str) -> bool {
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(domain), Some((_, rest))) => rest.eq_ignore_ascii_case(domain),
        (Some(_), None) => false,
        (None, _) => name.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asterisk_is_one_label() {
        assert!(matches("DB.example.com", "db.Example.com"));
        assert!(matches("*.example.com", "db.example.com"));
        assert!(!matches("*.example.com", "a.db.example.com"));
        assert!(!matches("*.example.com", "example.com"));
        assert!(!matches("*.com", "com"));
    }
}
