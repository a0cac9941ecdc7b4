//! Clients with the code that the usual generators make of the contract. The programs are in
//! `tests/clients/`.

use std::path::Path;

use tokio::{process::Command, time::timeout};

use crate::support::{PATIENCE, Server};

/// Generates, builds and runs a client, and prints its result.
async fn run(language: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let mut command = Command::new(folder.join(language).join("run"));
    command.arg(Server::shared().await.address.to_string());
    // Downloads packages at first, and compiles.
    let output = timeout(5 * PATIENCE, command.kill_on_drop(true).output());
    let output = output.await.expect("in time").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert!(output.status.success(), "{}", text(output.stderr));
    print!("{}", text(output.stdout));
}

#[tokio::test]
#[ignore = "needs a JDK and Maven: make test-peers"]
async fn a_client_in_java_works() {
    run("java").await;
}
