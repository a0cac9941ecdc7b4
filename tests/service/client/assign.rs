//! `assign --file` over a network that breaks.

use std::process::Stdio;

use super::write;
use crate::support::{Network, Proxy, Server, Sql, Tenant, person, program::command, scratch};

/// The pairs are assigned and the answer is lost. The command sends them again, and gets the answer that
/// it would have got.
#[tokio::test]
async fn pairs_are_assigned_once_over_a_broken_connection() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    for id in ["P1", "P2"] {
        tenant.create(person(id, "")).await;
    }
    tenant.assign("P1", "MOVE").await;
    let folder = scratch();
    let pairs = write(&folder, "pairs.csv", "contact_id,code\nP1,MOVE\nP2,MOVE\n");
    let proxy = Proxy::before_server(server.address).await;
    let sql = Sql::connect(&server.database_url).await;
    sql.hold_clock("t").await;
    let mut command = command(["assign", "--file", &pairs, "--tenant", "t"]);
    command.args(["--endpoint", proxy.url()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    sql.until_any_waits().await;
    proxy.set(Network::CutAnswersOnce);
    sql.run("COMMIT").await;
    let done = tokio::task::spawn_blocking(|| child.wait_with_output()).await;
    let done = done.unwrap().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert!(said.contains("resuming after 0 pairs"), "{said}");
    let expected = "{\"changed_count\":1,\"unchanged_count\":1,\"rejected_count\":0}\n";
    assert_eq!(String::from_utf8_lossy(&done.stdout), expected);
}
