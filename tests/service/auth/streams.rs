//! Streams whose callers lose what let them begin.

use std::fs;

use mailing_groups::pb::{self, WatchChangesResponse, watch_changes_request::Start};
use nix::sys::signal::Signal;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};

use super::{
    caller::Caller,
    scene::{Scene, api_key, issuer},
    tokens::{changed, in_seconds},
};
use crate::support::{Program, database, eventually, info, program::command, scratch, within};

/// Taken for ten seconds more, in which the streams begin: the clocks may differ by 60.
const ALMOST_REFUSED: i64 = -50;

async fn watch(caller: &mut Caller) -> Streaming<WatchChangesResponse> {
    let request = pb::WatchChangesRequest {
        start: Some(Start::Revision(0)),
        ..Default::default()
    };
    let opened = caller.groups.watch_changes(request).await;
    opened.unwrap().into_inner()
}

/// How a stream ends.
async fn end<T>(mut stream: Streaming<T>) -> (Code, String) {
    loop {
        if let Err(status) = within(stream.message()).await {
            return (status.code(), info(&status).reason);
        }
    }
}

fn is(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let scene = Scene::start(&issuer()).await;
    let token = scene.token(&changed("admin", "exp", in_seconds(ALMOST_REFUSED)));
    let token = token.strip_prefix("Bearer ").unwrap();
    let mut caller = Caller::new(&scene, token, None).await;
    let expired = is(Code::Unauthenticated, "TOKEN_EXPIRED");
    let watched = watch(&mut caller).await;
    // An upload of which nothing arrives.
    let (chunks, requests) = mpsc::channel::<pb::ImportContactsRequest>(1);
    let upload = caller
        .contacts
        .import_contacts(ReceiverStream::new(requests))
        .await;
    assert_eq!(end(watched).await, expired);
    assert_eq!(end(upload.unwrap().into_inner()).await, expired);
    drop(chunks);
}

#[tokio::test]
async fn a_stream_ends_when_the_rules_refuse_its_caller() {
    let entry = |key: &str, tenants: &[&str], access: &str| api_key(key, "crm", tenants, access);
    let kept = entry("mgk_kept", &["acme"], "admin");
    let before = [
        kept.clone(),
        entry("mgk_gone", &["acme"], "reader"),
        entry("mgk_moved", &["acme"], "reader"),
        entry("mgk_wider", &["acme"], "reader"),
    ];
    let scene = Scene::start(&before.concat()).await;
    let mut streams = Vec::new();
    for key in ["mgk_gone", "mgk_moved", "mgk_wider", "mgk_kept"] {
        streams.push(watch(&mut Caller::new(&scene, key, None).await).await);
    }
    let after = [
        kept,
        entry("mgk_moved", &["globex"], "reader"),
        entry("mgk_wider", &["acme", "globex"], "definer"),
    ];
    scene.replace("auth.toml", &after.concat());
    let mut streams = streams.into_iter();
    let gone = end(streams.next().unwrap()).await;
    assert_eq!(gone, is(Code::Unauthenticated, "CREDENTIALS_INVALID"));
    let moved = end(streams.next().unwrap()).await;
    assert_eq!(moved, is(Code::PermissionDenied, "TENANT_NOT_GRANTED"));
    // The others go on.
    let mut caller = Caller::new(&scene, "mgk_kept", None).await;
    caller.create_group("LATER").await.unwrap();
    for mut stream in streams {
        let mut seen = String::new();
        while !seen.contains("LATER") {
            seen += &format!("{:?}", within(stream.message()).await.unwrap());
        }
    }
}

#[tokio::test]
async fn the_command_goes_on_with_a_renewed_key() {
    let (folder, url) = (scratch(), database().await);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (rules, key) = (file("auth.toml"), file("key"));
    let entry = |key: &str| api_key(key, "crm", &["acme"], "admin");
    fs::write(&rules, entry("mgk_old")).unwrap();
    fs::write(&key, "mgk_old").unwrap();
    let arguments = ["--database-url", &url, "--auth-config", &rules];
    let mut program = Program::spawn(folder.path(), &arguments);
    let endpoint = format!("http://{}", program.address().await);
    let connection = ["--endpoint", &endpoint, "--token-file", &key];
    let mut watch = command(["watch", "--from", "beginning"]);
    let mut watch = Program::start(watch.args(connection));
    assert!(watch.line().await.unwrap().contains("snapshot"));
    fs::write(&key, "mgk_new").unwrap();
    fs::write(&rules, entry("mgk_new")).unwrap();
    program.signal(Signal::SIGHUP);
    eventually(async || program.log().contains("UNAUTHENTICATED").then_some(())).await;
    let mut create = command(["group", "create", "LATER"]);
    assert!(create.args(connection).status().unwrap().success());
    while !watch.line().await.unwrap().contains("LATER") {}
}
