//! Rules and keys that change while the service runs.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use mailing_groups::auth::Authenticator;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::{
    openssl,
    scene::{Scene, api_key, issuer},
    tokens::{Signer, changed, claims, in_seconds, key_set, signed},
};
use crate::support::{eventually, runtime, scratch, serve::bind};

const UNKNOWN: Result<String, String> = Err(String::new());

fn refused() -> Result<String, String> {
    UNKNOWN.map_err(|_| "CREDENTIALS_INVALID".to_owned())
}

fn is(name: &str) -> Result<String, String> {
    Ok(name.to_owned())
}

/// Waits until WhoAmI ends like this.
async fn becomes(scene: &Scene, authorization: &str, expected: Result<String, String>) {
    eventually(async || (scene.who(authorization).await == expected).then_some(())).await;
}

#[tokio::test]
async fn keys_are_added_and_revoked_without_a_restart() {
    let (old, new) = ("Bearer mgk_old", "Bearer mgk_new");
    let entry = |key: &str| api_key(key, "crm", &["acme"], "reader");
    let scene = Scene::start(&entry("mgk_old")).await;
    assert_eq!(scene.who(old).await, is("crm"));
    assert_eq!(scene.who(new).await, refused());
    scene.replace("auth.toml", &(entry("mgk_old") + &entry("mgk_new")));
    becomes(&scene, new, is("crm")).await;
    assert_eq!(scene.who(old).await, is("crm"), "both for a while");
    scene.replace("auth.toml", &entry("mgk_new"));
    becomes(&scene, old, refused()).await;
}

#[tokio::test]
async fn keys_of_tokens_rotate_in_their_file() {
    let folder = scratch();
    let rsa = Signer::rsa(folder.path());
    let scene = Scene::with(folder, &issuer()).await;
    let claims = claims(&["acme"], "reader");
    let old = scene.token(&claims);
    assert_eq!(scene.who(&old).await, is("service-7"));
    let almost = changed("reader", "exp", in_seconds(-30));
    assert_eq!(
        scene.who(&scene.token(&almost)).await,
        is("service-7"),
        "leeway"
    );
    let several = changed("reader", "aud", json!(["other", "mailing-groups"]));
    assert_eq!(scene.who(&scene.token(&several)).await, is("service-7"));
    let p256 = Signer::p256();
    let keys = [rsa.public("rsa"), p256.public("p256")];
    scene.replace("jwks.json", &key_set(&keys));
    becomes(&scene, &signed(&rsa, "rsa", &claims), is("service-7")).await;
    let ec = signed(&p256, "p256", &claims);
    assert_eq!(scene.who(&ec).await, is("service-7"));
    assert_eq!(scene.who(&old).await, refused());
    scene.replace("jwks.json", "{\"keys\": []}");
    scene.replace(
        "auth.toml",
        &(issuer() + &api_key("mgk_x", "x", &["*"], "admin")),
    );
    scene.replace("jwks.json", &key_set(&keys[1..]));
    becomes(&scene, "Bearer mgk_x", is("x")).await;
    assert_eq!(scene.who(&signed(&rsa, "rsa", &claims)).await, refused());
}

/// An authority, and a server certificate for `localhost`.
const CERTIFICATES: &str = "set -e
openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -keyout ca.key -subj /CN=authority -out ca.crt
echo subjectAltName=DNS:localhost > names
openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -keyout server.key -subj /CN=localhost -out server.csr
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile names -out server.crt";

/// Serves what is in `body` over HTTPS; returns the port.
fn serve_keys(folder: &std::path::Path, body: Arc<Mutex<String>>) -> u16 {
    let certificate = CertificateDer::from_pem_file(folder.join("server.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, address) = bind();
    runtime().spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 4 << 10];
            let _ = stream.read(&mut request).await;
            let body = body.lock().unwrap().clone();
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all((head + &body).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    address.port()
}

#[tokio::test]
async fn keys_of_tokens_rotate_at_their_address() {
    let folder = scratch();
    openssl(folder.path(), CERTIFICATES);
    let (first, second) = (Signer::p256(), Signer::ed25519());
    let keys = Arc::new(Mutex::new(key_set(&[first.public("1")])));
    let port = serve_keys(folder.path(), Arc::clone(&keys));
    let url = format!("keys_url = \"https://localhost:{port}/keys\"\nkeys_ca = \"ca.crt\"");
    let rules = issuer().replace("keys_file = \"jwks.json\"", &url);
    let scene = Scene::with(folder, &rules).await;
    let claims = claims(&["acme"], "reader");
    let (old, new) = (signed(&first, "1", &claims), signed(&second, "2", &claims));
    assert_eq!(scene.who(&old).await, is("service-7"));
    assert_eq!(scene.who(&new).await, refused());
    *keys.lock().unwrap() = key_set(&[second.public("2")]);
    assert_eq!(scene.who(&new).await, is("service-7"), "fetched again");
    assert_eq!(scene.who(&old).await, refused(), "withdrawn");
    // What was fetched stays when the address answers nonsense, and when the rules change.
    *keys.lock().unwrap() = "x".repeat(300 << 10);
    assert_eq!(scene.who(&old).await, refused());
    scene.replace(
        "auth.toml",
        &(rules + &api_key("mgk_x", "x", &["*"], "admin")),
    );
    becomes(&scene, "Bearer mgk_x", is("x")).await;
    assert_eq!(scene.who(&new).await, is("service-7"));
    for _ in 0..20 {
        let unknown = signed(&first, "made up", &claims);
        assert_eq!(scene.who(&unknown).await, refused(), "at once");
    }
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_unavailable() {
    let (listener, address) = bind();
    drop(listener);
    let url = format!("keys_url = \"https://localhost:{}/\"", address.port());
    let scene = Scene::start(&issuer().replace("keys_file = \"jwks.json\"", &url)).await;
    let token = scene.token(&claims(&["acme"], "reader"));
    let outcome = scene.who(&token).await;
    assert_eq!(outcome, Err("KEYS_UNAVAILABLE".to_owned()));
}

#[test]
fn a_mistake_names_the_file() {
    let folder = scratch();
    let path = folder.path().join("auth.toml");
    let open = || Authenticator::open(&path, false).err().unwrap().to_string();
    assert!(open().contains("cannot read") && open().contains("auth.toml"));
    fs::write(&path, issuer()).unwrap();
    assert!(open().contains("cannot read") && open().contains("jwks.json"));
    fs::write(folder.path().join("jwks.json"), "{\"keys\": []}").unwrap();
    assert!(open().contains("jwks.json: must have a public key"));
}
