//! The program is killed, stopped and interrupted.

use std::path::Path;

use nix::sys::signal::Signal;
use tokio_util::sync::CancellationToken;
use tonic::{Code, transport::Endpoint};

use crate::support::{Program, Tenant, company, eventually, person, scratch, select};

const PERSONS: usize = 500;

async fn start(folder: &Path) -> (Program, Tenant) {
    let data = folder.join("data");
    let mut program = Program::spawn(folder, &["--data-dir", data.to_str().unwrap()]);
    let address = program.address().await;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let tenant = Tenant::over(endpoint.connect().await.unwrap(), "t");
    (program, tenant)
}

/// Assigns until cancelled or until a call fails; the number of acknowledged calls.
async fn assign(mut tenant: Tenant, stop: CancellationToken) -> usize {
    for n in 0..PERSONS {
        if stop.is_cancelled() || tenant.try_assign(&format!("P{n}"), "MOVE").await.is_err() {
            return n;
        }
    }
    PERSONS
}

/// Waits for the end of the program, which must be a success after every call was completed.
async fn ended_in_order(program: &mut Program) {
    let ended = program.ended().await;
    let log = program.log();
    assert!(ended.success(), "{log}");
    assert!(log.contains("every call was completed"), "{log}");
}

/// One start makes the cluster, so the three ends of a service share it.
#[tokio::test]
async fn acknowledged_writes_survive_a_kill_a_stop_and_an_interrupt() {
    let folder = scratch();
    let (mut program, mut tenant) = start(folder.path()).await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let persons: Vec<_> = (0..PERSONS)
        .map(|n| person(&format!("P{n}"), "A"))
        .collect();
    tenant.import_contacts(&persons).await;

    // Killed while it writes.
    let writing = tokio::spawn(assign(tenant.clone(), CancellationToken::new()));
    eventually(async || (!tenant.members("MOVE").await.is_empty()).then_some(())).await;
    program.signal(Signal::SIGKILL);
    program.ended().await;
    let acknowledged = writing.await.unwrap();
    let (mut program, mut tenant) = start(folder.path()).await;
    let stored = tenant.members("MOVE").await.len();
    assert!(
        (acknowledged..=acknowledged + 1).contains(&stored),
        "{acknowledged} {stored}"
    );

    // Stopped with a call under way and a stream open.
    let mut open = tenant.open(select("*")).await.unwrap();
    let stop = CancellationToken::new();
    let writing = tokio::spawn(assign(tenant.clone(), stop.clone()));
    program.signal(Signal::SIGTERM);
    while let Ok(Some(_)) = open.message().await {}
    drop(open);
    let acknowledged = writing.await.unwrap();
    drop(tenant);
    ended_in_order(&mut program).await;
    let (mut program, mut tenant) = start(folder.path()).await;
    assert!(tenant.members("MOVE").await.len() >= acknowledged.max(stored));

    // Interrupted at the terminal: the private PostgreSQL is not, before the calls have ended.
    let mut reader = tenant.clone();
    let call = tokio::spawn(async move { reader.stream(select("*")).await });
    program.signal_group(Signal::SIGINT);
    if let Err(status) = call.await.unwrap() {
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    }
    drop(tenant);
    ended_in_order(&mut program).await;
}

#[tokio::test]
async fn an_interrupt_ends_the_wait_for_an_unreachable_database() {
    let folder = scratch();
    let url = "postgres://nobody@127.0.0.1:1/none";
    let mut program = Program::spawn(folder.path(), &["--database-url", url]);
    eventually(async || program.log().contains("trying again").then_some(())).await;
    // Without the interrupt it waits without end.
    program.signal(Signal::SIGINT);
    assert!(program.ended().await.success());
}
