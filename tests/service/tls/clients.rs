//! Which clients are served.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{TlsService, call};
use crate::support::{Certificates, eventually, serve, within};

#[tokio::test]
async fn clients_with_tls_are_served_and_others_told() {
    let service = TlsService::start(Certificates::new(), &[]).await;
    let channel = service.connect().await.unwrap();
    call(&channel).await.unwrap();

    let unknown = service.certificates.trusting("other");
    let refused = service.connect_with(unknown).await.unwrap_err();
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    let renamed = service.certificates.trusting("ca").domain_name("elsewhere");
    let refused = service.connect_with(renamed).await.unwrap_err();
    assert!(refused.contains("not valid for name"), "{refused}");

    let refused = call(&serve::channel(service.address)).await.unwrap_err();
    assert!(refused.contains("this port speaks TLS only"), "{refused}");
    let logged = "the client does not use TLS";
    eventually(async || service.program.log().contains(logged).then_some(())).await;
    // Neither TLS nor HTTP/2.
    let mut other = TcpStream::connect(service.address).await.unwrap();
    other.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let _ = within(other.read_to_end(&mut Vec::new())).await;
    call(&channel).await.unwrap();
}

fn with_clients() -> Certificates {
    let certificates = Certificates::new();
    certificates.client("client", "ca", "URI:spiffe://example.com/crm");
    certificates.client("stranger", "other", "DNS:stranger");
    certificates
}

#[tokio::test]
async fn a_certificate_of_the_authority_is_required() {
    let certificates = with_clients();
    let authority = certificates.file("ca.crt");
    let service = TlsService::start(certificates, &["--tls-client-ca", &authority]).await;
    let trusting = || service.certificates.trusting("ca");
    let identity = |name| trusting().identity(service.certificates.identity(name));
    service.connect_with(identity("client")).await.unwrap();
    let refused = service.connect_with(trusting()).await.unwrap_err();
    assert!(refused.contains("CertificateRequired"), "{refused}");
    service
        .connect_with(identity("stranger"))
        .await
        .unwrap_err();
    // The reason is in the log of the service only; a line a second stands for all.
    let failed = "a TLS handshake failed";
    eventually(async || service.program.log().contains(failed).then_some(())).await;
    service.connect_with(identity("client")).await.unwrap();
}
