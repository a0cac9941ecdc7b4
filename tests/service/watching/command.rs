//! The command `watch`.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::support::{Server, Tenant, company, within};

/// Starts the command; it is killed when the child is dropped.
async fn start(tenant: &Tenant, arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let endpoint = format!("http://{}", Server::shared().await.address);
    let mut child = Command::new(env!("CARGO_BIN_EXE_mailing-groups"))
        .args(["watch", "--endpoint", &endpoint, "--tenant", &tenant.name])
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> Value {
    let line = within(lines.next_line()).await.unwrap().unwrap();
    serde_json::from_str(&line).unwrap()
}

#[tokio::test]
async fn changes_are_printed_as_json_lines() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let arguments = ["--from", "1", "--kind", "memberships", "--kind", "contacts"];
    let (_child, mut lines) = start(&tenant, &arguments).await;
    let created = line(&mut lines).await;
    assert_eq!(created["revision"], 2);
    assert_eq!(
        created["changes"][0]["contacts_created"]["contacts"][0]["id"],
        "A"
    );
    assert_eq!(line(&mut lines).await, json!({"progress": 2}));
    tenant.assign("A", "MOVE").await;
    // An idle watch repeats its progress.
    let added = loop {
        let line = line(&mut lines).await;
        if line.get("progress").is_none() {
            break line;
        }
    };
    let members = json!({"members_added": {"code": "MOVE", "contact_ids": ["A"]}});
    assert_eq!(
        (&added["revision"], &added["changes"]),
        (&json!(3), &json!([members]))
    );

    let (_child, mut lines) = start(&tenant, &["--from", "beginning", "--code", "move"]).await;
    let group = line(&mut lines).await;
    assert_eq!(group["snapshot"]["mailing_groups"][0]["code"], "MOVE");
    assert_eq!(
        line(&mut lines).await["snapshot"]["members"][0]["contact_ids"],
        json!(["A"])
    );
    assert_eq!(line(&mut lines).await, json!({"snapshot_end": 3}));
}
