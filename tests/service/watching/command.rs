//! The command `watch`.

use serde_json::{Value, json};

use crate::support::{Program, Server, Tenant, company, program::command};

/// Starts the command.
async fn start(tenant: &Tenant, arguments: &[&str]) -> Program {
    let endpoint = format!("http://{}", Server::shared().await.address);
    let flags = ["--endpoint", &endpoint, "--tenant", &tenant.name];
    Program::start(command(["watch"]).args(flags).args(arguments))
}

/// The position of a line that says how far the watch has come.
fn position<'l>(line: &'l Value, name: &str) -> (&'l Value, &'l str) {
    (&line[name], line["resume_token"].as_str().unwrap())
}

async fn line(program: &mut Program) -> Value {
    serde_json::from_str(&program.line().await.unwrap()).unwrap()
}

#[tokio::test]
async fn changes_are_printed_as_json_lines() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let arguments = ["--from", "1", "--kind", "memberships", "--kind", "contacts"];
    let mut watch = start(&tenant, &arguments).await;
    let created = line(&mut watch).await;
    assert_eq!(created["revision"], 2);
    assert_eq!(
        created["changes"][0]["contacts_created"]["contacts"][0]["id"],
        "A"
    );
    let progress = line(&mut watch).await;
    assert_eq!(position(&progress, "progress").0, 2);
    tenant.assign("A", "MOVE").await;
    // An idle watch repeats its progress.
    let added = loop {
        let line = line(&mut watch).await;
        if line.get("progress").is_none() {
            break line;
        }
    };
    let members = json!({"members_added": {"code": "MOVE", "contact_ids": ["A"]}});
    assert_eq!(
        (&added["revision"], &added["changes"]),
        (&json!(3), &json!([members]))
    );

    let mut watch = start(&tenant, &["--from", "beginning", "--code", "move"]).await;
    let group = line(&mut watch).await;
    assert_eq!(group["snapshot"]["mailing_groups"][0]["code"], "MOVE");
    assert_eq!(
        line(&mut watch).await["snapshot"]["members"][0]["contact_ids"],
        json!(["A"])
    );
    let end = line(&mut watch).await;
    assert_eq!(position(&end, "snapshot_end").0, 3);

    // It is continued after any line with a token.
    let (_, token) = position(&created, "revision");
    let flags = ["--kind", "memberships", "--kind", "contacts"];
    let mut watch = start(&tenant, &[&["--resume-token", token], &flags[..]].concat()).await;
    assert_eq!(line(&mut watch).await, added);
}
