//! Another process migrates the database.

use nix::sys::signal::Signal;

use super::refusal;
use crate::support::{Program, Sql, database, eventually, scratch};

/// Holds the lock under which migrations run.
async fn hold(url: &str) -> Sql {
    let sql = Sql::connect(url).await;
    sql.run("SET application_name = 'holder'; SELECT pg_advisory_lock(7243094614412581)")
        .await;
    sql
}

#[tokio::test]
async fn the_wait_for_another_migration_names_it_and_ends() {
    let url = database().await;
    let holder = hold(&url).await;
    let pid = holder.number("SELECT pg_backend_pid()::bigint", &[]).await;
    let refusal = refusal(&url, &["--migration-wait", "300ms"]).await;
    for part in [
        format!("the backend {pid} "),
        "application holder".into(),
        "300ms".into(),
    ] {
        assert!(refusal.contains(&part), "{refusal}");
    }
}

#[tokio::test]
async fn a_stopped_wait_for_another_migration_leaves_no_backend() {
    let url = database().await;
    let holder = hold(&url).await;
    let folder = scratch();
    let mut program = Program::spawn(folder.path(), &["--database-url", &url]);
    let waits = "holds the migration lock; waiting";
    eventually(async || program.log().contains(waits).then_some(())).await;
    program.signal(Signal::SIGTERM);
    assert!(program.ended().await.success(), "{}", program.log());
    eventually(async || (holder.backends("true").await == 0).then_some(())).await;
    let log = program.log();
    assert_eq!(log.matches(waits).count(), 1, "{log}");
}

#[tokio::test]
async fn a_start_goes_on_once_the_other_migration_has_ended() {
    let url = database().await;
    let holder = hold(&url).await;
    let folder = scratch();
    let mut program = Program::spawn(folder.path(), &["--database-url", &url]);
    eventually(async || program.log().contains("waiting for it").then_some(())).await;
    drop(holder);
    program.address().await;
}
