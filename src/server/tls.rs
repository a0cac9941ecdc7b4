//! TLS on the port of the service, from files that are read again when they change.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio_rustls::server::TlsStream;
use x509_cert::{
    Certificate, TbsCertificate,
    der::Decode,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

use crate::{
    metrics::CERTIFICATE_EXPIRY,
    reload::{FileReader, FileSource},
};

/// The certificates that a client proved to have the key of: its own first, then those that lead to
/// the authority. In the extensions of each request of its connection.
#[derive(Debug, Clone)]
pub struct PeerCertificates(pub Arc<[CertificateDer<'static>]>);

impl PeerCertificates {
    /// Those of a connection whose handshake is complete.
    pub(super) fn of<S>(stream: &TlsStream<S>) -> Option<Self> {
        let (_, session) = stream.get_ref();
        Some(Self(session.peer_certificates()?.into()))
    }
}

/// The files of a server with TLS.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, and those that lead to its authority, as PEM.
    pub certificate: PathBuf,
    /// The certificate's private key, as PEM.
    pub key: PathBuf,
    /// Who signs the certificates of clients.
    pub client_authority: Option<ClientAuthority>,
}

/// The authorities of clients.
#[derive(Debug, Clone)]
pub struct ClientAuthority {
    /// Their certificates, as PEM.
    pub file: PathBuf,
    /// Whether clients without a certificate are refused.
    pub is_required: bool,
}

/// TLS for the next connections that are accepted.
pub struct ServerTls {
    pub(super) config: Arc<ServerConfig>,
    /// The same for browsers and curl, which may speak HTTP/1.1.
    pub(super) web_config: Arc<ServerConfig>,
    /// When the certificate expires, in the time since 1970.
    not_after: Duration,
    /// A host name or address that the certificate is for.
    pub host: Option<String>,
    /// Whether the certificate is its own authority.
    pub is_self_signed: bool,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[error("{flag} {}: {reason}", path.display())]
pub struct TlsFileError {
    flag: &'static str,
    path: PathBuf,
    reason: String,
}

impl FileSource for TlsFiles {
    type Value = ServerTls;
    type Error = TlsFileError;
    const NAME: &'static str = "TLS certificates";

    fn load(&self, files: &mut FileReader) -> Result<ServerTls, TlsFileError> {
        // All are read whatever is wrong with one, so that a change of any is seen.
        let certificates = self.certificate().certificates(files);
        let key = self.key().private_key(files);
        let authorities = self.authority_file().map(|file| file.certificates(files));
        let (certificates, key) = (certificates?, key?);
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring offers the default versions");
        let builder = match (&self.client_authority, authorities) {
            (Some(authority), Some(certificates)) => {
                builder.with_client_cert_verifier(authority.verifier(certificates?, provider)?)
            }
            _ => builder.with_no_client_auth(),
        };
        let certificate = Certificate::from_der(&certificates[0]);
        let certificate = certificate.map_err(|error| self.certificate().error(error))?;
        let certificate = certificate.tbs_certificate;
        let mut config = builder
            .with_single_cert(certificates, key)
            .map_err(|error| self.unfit(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let mut web_config = config.clone();
        web_config.alpn_protocols.push(b"http/1.1".to_vec());
        Ok(ServerTls {
            config: Arc::new(config),
            web_config: Arc::new(web_config),
            not_after: certificate.validity.not_after.to_unix_duration(),
            host: host(&certificate),
            is_self_signed: certificate.issuer == certificate.subject,
        })
    }

    /// A certificate that has expired is served all the same: a client may accept it, and no service
    /// would be worse.
    fn accepted(&self, tls: &ServerTls) {
        CERTIFICATE_EXPIRY
            .gauge(&[])
            .set(tls.not_after.as_secs_f64());
        if tls.not_after < SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default() {
            let path = self.certificate.display();
            let at = humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + tls.not_after);
            tracing::warn!("--tls-cert {path}: the certificate expired at {at}");
        }
    }
}

impl TlsFiles {
    fn certificate(&self) -> PemFile<'_> {
        PemFile::new("--tls-cert", &self.certificate)
    }

    fn key(&self) -> PemFile<'_> {
        PemFile::new("--tls-key", &self.key)
    }

    fn authority_file(&self) -> Option<PemFile<'_>> {
        self.client_authority.as_ref().map(ClientAuthority::file)
    }

    fn unfit(&self, error: &rustls::Error) -> TlsFileError {
        let certificate = self.certificate.display();
        match error {
            rustls::Error::InconsistentKeys(_) => self.key().error(format!(
                "the key does not match the certificate of --tls-cert {certificate}"
            )),
            rustls::Error::InvalidCertificate(_) => self.certificate().error(error),
            _ => self.key().error(error),
        }
    }
}

impl ClientAuthority {
    fn file(&self) -> PemFile<'_> {
        PemFile::new("--tls-client-ca", &self.file)
    }

    fn verifier(
        &self,
        certificates: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsFileError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            let added = roots.add(certificate);
            added.map_err(|error| self.file().error(error))?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = match self.is_required {
            true => builder,
            false => builder.allow_unauthenticated(),
        };
        builder.build().map_err(|error| self.file().error(error))
    }
}

/// The first name that stands for one host.
fn host(certificate: &TbsCertificate) -> Option<String> {
    let (_, names) = certificate.get::<SubjectAltName>().ok()??;
    names.0.iter().find_map(|name| match name {
        GeneralName::DnsName(name) if !name.as_str().contains('*') => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes: [u8; 4] = bytes.as_bytes().try_into().ok()?;
            Some(Ipv4Addr::from(bytes).to_string())
        }
        _ => None,
    })
}

/// A file and the flag that names it.
#[derive(Clone, Copy)]
struct PemFile<'a> {
    flag: &'static str,
    path: &'a Path,
}

impl<'a> PemFile<'a> {
    fn new(flag: &'static str, path: &'a Path) -> Self {
        Self { flag, path }
    }

    fn error(self, reason: impl ToString) -> TlsFileError {
        TlsFileError {
            flag: self.flag,
            path: self.path.to_owned(),
            reason: reason.to_string(),
        }
    }

    fn read(self, files: &mut FileReader) -> Result<Vec<u8>, TlsFileError> {
        files.read(self.path).map_err(|error| self.error(error))
    }

    fn certificates(
        self,
        files: &mut FileReader,
    ) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
        let content = self.read(files)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
        let certificates = certificates.map_err(|error| self.error(error))?;
        match certificates.is_empty() {
            true => Err(self.error(
                "there is no certificate in it (a line `-----BEGIN CERTIFICATE-----`); DER becomes PEM \
                 with `openssl x509 -inform DER`",
            )),
            false => Ok(certificates),
        }
    }

    fn private_key(self, files: &mut FileReader) -> Result<PrivateKeyDer<'static>, TlsFileError> {
        let content = self.read(files)?;
        let path = self.path.display();
        PrivateKeyDer::from_pem_slice(&content).map_err(|error| match error {
            pem::Error::NoItemsFound if contains(&content, b"ENCRYPTED") => {
                self.error(is_encrypted(self.path))
            }
            pem::Error::NoItemsFound => self.error(
                "there is no private key in it (a line such as `-----BEGIN PRIVATE KEY-----`)",
            ),
            _ if contains(&content, b"ENCRYPTED") => self.error(is_encrypted(self.path)),
            error => self.error(format!("{path}: {error}")),
        })
    }
}

fn is_encrypted(path: &Path) -> String {
    let path = path.display();
    format!("the key is encrypted; write it without a password: openssl pkey -in {path} -out FILE")
}

fn contains(content: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(content, word).is_some()
}
