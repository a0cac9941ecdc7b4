//! The program with authentication.

use std::fs;

use mailing_groups::pb::{WhoAmIRequest, identity_client::IdentityClient};
use nix::sys::signal::Signal;
use tonic::{Request, transport::Channel};

use super::scene::api_key;
use crate::support::{Program, database, eventually, program::command, scratch, serve::channel};

/// The name of the caller with this key.
async fn who(channel: Channel, key: &str) -> Option<String> {
    let mut request = Request::new(WhoAmIRequest {});
    let value = format!("Bearer {key}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    let answer = IdentityClient::new(channel).who_am_i(request).await;
    answer.ok().map(|it| it.into_inner().principal)
}

/// A new key, and its entry.
fn new_key(name: &str) -> (String, String) {
    let arguments = [
        "auth", "new-key", "--access", "reader", "--tenant", "acme", "--name",
    ];
    let made = command(arguments).arg(name).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let text = String::from_utf8(made.stdout).unwrap();
    let (key, entry) = text.split_once("\n\n").unwrap();
    (key.to_owned(), entry.to_owned())
}

#[tokio::test]
async fn a_hangup_reads_the_rules_again_and_no_key_is_logged() {
    let folder = scratch();
    let file = folder.path().join("auth.toml");
    let (first, entry) = new_key("first");
    fs::write(&file, &entry).unwrap();
    let url = database().await;
    let path = file.to_str().unwrap();
    let arguments = [
        "--auth-config",
        path,
        "--database-url",
        &url,
        "--log",
        "debug",
    ];
    let mut program = Program::spawn(folder.path(), &arguments);
    let channel = channel(program.address().await);
    assert_eq!(who(channel.clone(), &first).await.as_deref(), Some("first"));
    assert_eq!(who(channel.clone(), "mgk_marker").await, None);
    assert_eq!(who(channel.clone(), "marker.marker.marker").await, None);
    let (second, other) = new_key("second");
    fs::write(&file, other).unwrap();
    program.signal(Signal::SIGHUP);
    eventually(async || who(channel.clone(), &second).await).await;
    assert_eq!(who(channel.clone(), &first).await, None);
    fs::write(&file, "[[api_keys]]").unwrap();
    program.signal(Signal::SIGHUP);
    eventually(async || program.log().contains("stays in use").then_some(())).await;
    assert_eq!(who(channel, &second).await.as_deref(), Some("second"));
    let log = program.log();
    for secret in [first.as_str(), &second, "marker"] {
        assert!(!log.contains(secret), "{log}");
    }
    assert!(log.contains("expected one of"), "{log}");
    program.signal(Signal::SIGTERM);
    assert!(program.ended().await.success());
}

#[tokio::test]
async fn a_file_with_a_mistake_ends_the_start() {
    let folder = scratch();
    let file = folder.path().join("auth.toml");
    fs::write(&file, api_key("mgk_x", "x", &["a b"], "admin")).unwrap();
    let started = command(["--auth-config", file.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(started.status.code(), Some(1));
    let error = String::from_utf8(started.stderr).unwrap();
    assert!(
        error.contains("auth.toml") && error.contains("line 4"),
        "{error}"
    );
}
