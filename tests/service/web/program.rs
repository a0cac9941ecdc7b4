//! The flags of the port.

use std::{fs, process::Output};

use http::Method;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::json;

use crate::support::{
    Certificates, Program, WebAnswer, WebClient, database, program::command, scratch,
};

const GET_GROUP: &str = "MailingGroups/GetMailingGroup";

/// A service that does not start.
fn refused(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = command(arguments).output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[tokio::test]
async fn the_port_is_opened_by_its_flag_only() {
    let (folder, url) = (scratch(), database().await);
    let open = ["--http-api-listen", "127.0.0.1:0"];
    let arguments = [&["--database-url", &url][..], &open].concat();
    let mut program = Program::spawn(folder.path(), &arguments);
    program.address().await;
    let web = program.web().await;
    let client = WebClient::of(web);
    let answer = client.json(GET_GROUP, "t", &json!({"code": "MOVE"})).await;
    assert_eq!(answer.status, 404);
    // Probes and metrics are elsewhere.
    let metrics = client.request(Method::GET, "/metrics");
    assert_eq!(WebAnswer::of(metrics).await.status, 404);
    // No page may call: no origin was named.
    let asked = client.request(Method::OPTIONS, GET_GROUP);
    let asked = asked.header("origin", "https://crm.example.com");
    let answer = WebAnswer::of(asked).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn the_port_of_probes_serves_no_calls() {
    let (folder, url) = (scratch(), database().await);
    let arguments = ["--database-url", &url, "--http-listen", "127.0.0.1:0"];
    let mut program = Program::spawn(folder.path(), &arguments);
    program.address().await;
    let probes = crate::observed::http_address(&program.log()).unwrap();
    let client = WebClient::of(probes);
    let answer = client.json(GET_GROUP, "t", &json!({"code": "MOVE"})).await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.is_empty());
}

#[test]
fn other_computers_need_tls_and_authentication() {
    let refused = refused(&["--http-api-listen", "0.0.0.0:1"]);
    for text in [
        "other computers would reach 0.0.0.0:1 without TLS and authentication",
        "--http-api-listen 127.0.0.1:1 for this computer only",
        "--insecure",
    ] {
        assert!(refused.contains(text), "{refused}");
    }
}

#[test]
fn an_origin_needs_the_port_and_no_path() {
    let text = refused(&["--cors-origin", "https://crm.example.com"]);
    assert!(text.contains("--http-api-listen"), "{text}");
    let port = ["--http-api-listen", "127.0.0.1:0", "--cors-origin", "*"];
    let text = refused(&port);
    assert!(text.contains("such as https://crm.example.com"), "{text}");
}

#[tokio::test]
async fn the_port_has_the_certificate_of_the_service() {
    let (certificates, url) = (Certificates::new(), database().await);
    let (cert, key) = (
        certificates.file("server.crt"),
        certificates.file("server.key"),
    );
    let arguments = [
        "--database-url",
        &url,
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
        "--http-api-listen",
        "127.0.0.1:0",
    ];
    let mut program = Program::spawn(certificates.folder(), &arguments);
    program.address().await;
    let port = program.web().await.port();
    let mut roots = RootCertStore::empty();
    let pem = fs::read(certificates.file("ca.crt")).unwrap();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let client = WebClient::trusting(roots, &format!("https://localhost:{port}"));
    let answer = client.json(GET_GROUP, "t", &json!({"code": "MOVE"})).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.refused().1, "not_found");
}
