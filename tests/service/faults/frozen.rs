//! A server is frozen while it writes: PostgreSQL ends its transactions, so that others go on.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::task::JoinSet;

use crate::support::{
    Program, Server, Sql, Tenant, assert_consistent, database, eventually, migrate, new_group,
    scratch, serve, within,
};

/// As many as it has connections.
const WRITES: usize = 16;

/// PostgreSQL takes 4 s. Each of the writes would keep the lock for as long as its transaction may be idle.
const BOUND: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_writes_of_a_frozen_server_do_not_hold_up_those_of_another() {
    let url = database().await;
    migrate(&url).await;
    let folder = scratch();
    let mut program = Program::spawn(folder.path(), &["--database-url", &url]);
    let frozen = Tenant::over(serve::channel(program.address().await), "t");
    let other = Server::on(&url, mailing_groups::server::Limits::default()).await;
    let mut other = Tenant::of(&other, "t").await;
    other.group("MOVE").await;

    let (sql, holder) = (Sql::connect(&url).await, Sql::connect(&url).await);
    holder.hold_clock("t").await;
    let mut writes = JoinSet::new();
    for n in 0..WRITES {
        let mut tenant = frozen.clone();
        let group = new_group(&format!("G{n}"), "");
        writes.spawn(async move { tenant.create_group(group, "").await });
    }
    sql.until_any_waits().await;
    program.signal(Signal::SIGSTOP);
    holder.run("ROLLBACK").await;
    let began = Instant::now();
    within(other.group("GIFT")).await;
    println!("written {:?} after the freeze", began.elapsed());
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());

    program.signal(Signal::SIGCONT);
    while let Some(outcome) = within(writes.join_next()).await {
        // Whether it took place or not.
        if let Err(status) = outcome.unwrap() {
            assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
        }
    }
    let mut frozen = frozen.clone();
    let group = || new_group("LAST", "");
    eventually(async || frozen.create_group(group(), "").await.ok()).await;
    assert_consistent(&url, "t").await;
}
