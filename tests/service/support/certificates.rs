//! Certificates made by openssl.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use super::scratch;

const NEW_KEY: &str = "-nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256";

/// What the server's certificates are for.
const SERVER: &str = "DNS:localhost,IP:127.0.0.1";

/// A folder with certificates and keys, `NAME.crt` and `NAME.key`: the authorities `ca` and `other`.
pub(crate) struct Certificates(TempDir);

impl Certificates {
    /// Besides the authorities `server`, signed by `ca`.
    pub(crate) fn new() -> Self {
        let certificates = Self(scratch());
        for authority in ["ca", "other"] {
            certificates.run(&format!(
                "openssl req -x509 {NEW_KEY} -days 30 -keyout {authority}.key -subj /CN={authority} -out {authority}.crt"
            ));
        }
        certificates.server("server", "ca");
        certificates
    }

    /// A certificate for a server on this computer.
    pub(crate) fn server(&self, name: &str, authority: &str) {
        self.signed(name, authority, SERVER, 30);
    }

    /// A certificate of a server that has expired.
    pub(crate) fn expired(&self, name: &str) {
        self.signed(name, "ca", SERVER, -1);
    }

    /// A certificate of a client with this subject alternative name.
    pub(crate) fn client(&self, name: &str, authority: &str, san: &str) {
        self.signed(name, authority, san, 30);
    }

    fn signed(&self, name: &str, authority: &str, san: &str, days: i32) {
        self.run(&format!(
            "openssl req -new {NEW_KEY} -keyout {name}.key -subj /CN={name} -out {name}.csr
             echo subjectAltName={san} > {name}.names
             openssl x509 -req -in {name}.csr -CA {authority}.crt -CAkey {authority}.key -CAcreateserial \
                 -days {days} -extfile {name}.names -out {name}.crt"
        ));
    }

    /// Runs shell commands in the folder.
    pub(crate) fn run(&self, commands: &str) {
        let mut shell = Command::new("sh");
        shell.args(["-ec", commands]).current_dir(self.folder());
        let done = shell.output().unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{commands}: {errors}");
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder().join(file)
    }

    pub(crate) fn file(&self, file: &str) -> String {
        self.path(file).display().to_string()
    }

    /// Copies the certificate and key of one name over those of another, in place.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        for kind in ["crt", "key"] {
            self.copy_one(from, to, kind);
        }
    }

    /// As [`Self::copy`], for the certificate (`crt`) or the key.
    pub(crate) fn copy_one(&self, from: &str, to: &str, kind: &str) {
        let file = |name: &str| self.path(&format!("{name}.{kind}"));
        fs::copy(file(from), file(to)).unwrap();
    }

    /// TLS of a client that trusts an authority.
    pub(crate) fn trusting(&self, authority: &str) -> ClientTlsConfig {
        let authority = fs::read(self.path(&format!("{authority}.crt"))).unwrap();
        ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority))
    }

    /// The certificate and key of a client.
    pub(crate) fn identity(&self, name: &str) -> Identity {
        let read = |kind| fs::read(self.path(&format!("{name}.{kind}"))).unwrap();
        Identity::from_pem(read("crt"), read("key"))
    }
}
