//! Certificates that change while the service runs.

use std::{fs, os::unix::fs::symlink};

use nix::sys::signal::Signal;

use super::{TlsService, call};
use crate::{
    observed::http_address,
    support::{Certificates, eventually, get},
};

impl TlsService {
    /// Asks the service to read its files, and waits until it has logged `text` once more.
    async fn reload(&self, text: &str) {
        let count = || self.program.log().matches(text).count();
        let before = count();
        self.program.signal(Signal::SIGHUP);
        eventually(async || (count() > before).then_some(())).await;
    }

    /// The metric that says whether the files are in use.
    async fn files_in_use(&self) -> String {
        let http = http_address(&self.program.log()).unwrap();
        let (_, metrics) = get(http, "/metrics").await;
        let name = "mailing_groups_files_in_use{files=\"TLS certificates\"} ";
        let mut lines = metrics.lines();
        let value = lines.find_map(|line| line.strip_prefix(name));
        value.unwrap_or_else(|| panic!("no {name}")).to_owned()
    }

    /// Whether a new connection gets a certificate of this authority.
    async fn is_signed_by(&self, authority: &str) -> bool {
        let tls = self.certificates.trusting(authority);
        self.connect_with(tls).await.is_ok()
    }
}

/// `server` is signed by `ca`, `next` by the authority `other`.
fn two_pairs() -> Certificates {
    let certificates = Certificates::new();
    certificates.server("next", "other");
    certificates
}

const IN_USE: &str = "TLS certificates: read again and in use";
const STAYS: &str = "what was read before stays in use";

#[tokio::test]
async fn a_new_pair_is_used_by_new_connections_and_old_ones_stay() {
    let service = TlsService::start(two_pairs(), &[]).await;
    let old = service.connect().await.unwrap();
    service
        .reload("TLS certificates: read again, unchanged")
        .await;
    service.certificates.copy("next", "server");
    service.reload(IN_USE).await;
    assert!(service.is_signed_by("other").await);
    assert!(!service.is_signed_by("ca").await);
    call(&old).await.unwrap();
}

#[tokio::test]
async fn the_old_pair_stays_until_the_new_one_fits() {
    let service = TlsService::start(two_pairs(), &["--http-listen", "127.0.0.1:0"]).await;
    let certificates = &service.certificates;
    assert_eq!(service.files_in_use().await, "1");
    certificates.copy_one("next", "server", "crt");
    service.reload(STAYS).await;
    assert_eq!(service.files_in_use().await, "0");
    let log = service.program.log();
    let mismatch = "server.key: the key does not match the certificate of --tls-cert";
    assert!(log.contains(mismatch), "{log}");
    assert!(service.is_signed_by("ca").await);
    certificates.copy_one("next", "server", "key");
    service.reload(IN_USE).await;
    assert!(service.is_signed_by("other").await);

    for broken in [
        "",
        "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n",
    ] {
        fs::write(certificates.path("server.crt"), broken).unwrap();
        service.reload(STAYS).await;
        assert!(service.is_signed_by("other").await);
    }
    fs::remove_file(certificates.path("server.crt")).unwrap();
    service.reload(STAYS).await;
    assert!(service.is_signed_by("other").await);
    certificates.copy_one("next", "server", "crt");
    service.reload(IN_USE).await;
    assert!(service.is_signed_by("other").await);
}

/// As Kubernetes mounts secrets: the files are links through `..data`, which is replaced. Nobody asks the
/// service to look.
#[tokio::test]
async fn a_swapped_link_is_noticed() {
    let certificates = two_pairs();
    certificates.run(
        "for of in server next; do
             mkdir ..$of
             mv $of.crt ..$of/server.crt
             mv $of.key ..$of/server.key
         done
         ln -s ..server ..data
         ln -s ..data/server.crt ..data/server.key .",
    );
    let service = TlsService::start(certificates, &[]).await;
    assert!(service.is_signed_by("ca").await);
    let new = service.certificates.path("..new");
    symlink("..next", &new).unwrap();
    fs::rename(new, service.certificates.path("..data")).unwrap();
    eventually(async || service.is_signed_by("other").await.then_some(())).await;
    assert_eq!(service.program.log().matches(IN_USE).count(), 1);
}

#[tokio::test]
async fn the_authority_of_clients_changes_too() {
    let certificates = two_pairs();
    certificates.client("client", "ca", "DNS:client");
    certificates.run("cp ca.crt clients.crt");
    let authority = certificates.file("clients.crt");
    let service = TlsService::start(certificates, &["--tls-client-ca", &authority]).await;
    let identity = service.certificates.identity("client");
    let client = || {
        service
            .certificates
            .trusting("ca")
            .identity(identity.clone())
    };
    let old = service.connect_with(client()).await.unwrap();
    service.certificates.run("cp other.crt clients.crt");
    service.reload(IN_USE).await;
    service.connect_with(client()).await.unwrap_err();
    call(&old).await.unwrap();
}
