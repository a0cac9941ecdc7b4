//! An upgrade from the version of the last release, one server after the other, without a pause.
//! `make test-upgrade` builds that version and names it in `EARLIER`.

use std::{
    env,
    ffi::OsString,
    process::{Command, Stdio},
    sync::Arc,
};

use mailing_groups::pb::{self, watch_changes_response::Message};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};

use crate::support::{
    Program, Tenant, company, database,
    program::{command, remove_configuration},
    select, within,
};

/// A program, with the arguments that let it serve a database.
fn serving(mut command: Command, url: &str) -> Command {
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", url]);
    command.stdin(Stdio::null());
    remove_configuration(&mut command);
    command
}

fn earlier() -> Command {
    let earlier: OsString = env::var_os("EARLIER").expect("EARLIER names a program");
    Command::new(earlier)
}

/// Starts a program, and connects to it when it serves.
async fn start(mut command: Command) -> (Program, Channel) {
    let mut program = Program::start(&mut command);
    let address = program.address().await;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    (program, endpoint.connect().await.unwrap())
}

/// Writes and reads until `stop`; the number of calls. Ends with the first failure.
async fn load(mut tenant: Tenant, worker: usize, stop: CancellationToken) -> Result<u64, Status> {
    let mut calls = 0;
    while !stop.is_cancelled() {
        let id = format!("W{worker}-{calls}");
        tenant.try_create(company(&id)).await?;
        tenant.try_assign(&id, "MOVE").await?;
        tenant.get_contact(&id).await?;
        tenant.get_group("MOVE").await?;
        let selected = tenant.stream(select("MOVE")).await?;
        assert!(selected.ids().contains(&id), "a write is read");
        let request = pb::DeleteContactRequest {
            id,
            ..Default::default()
        };
        tenant.contacts.delete_contact(request).await?;
        calls += 6;
    }
    Ok(calls)
}

/// Four callers of a server.
fn callers(channel: &Channel, stop: &CancellationToken) -> JoinSet<Result<u64, Status>> {
    let id = Arc::new(uuid::Uuid::new_v4().to_string());
    (0..4)
        .map(|worker| {
            let (tenant, stop, id) = (
                Tenant::over(channel.clone(), "t"),
                stop.clone(),
                Arc::clone(&id),
            );
            async move { load(tenant, usize::from(id.as_bytes()[0]) * 10 + worker, stop).await }
        })
        .collect()
}

/// Watches on a server until there are this many more revisions; each comes once.
async fn watch_revisions(tenant: &mut Tenant, count: i64) {
    let mut watch = tenant.watch_now().await;
    let mut seen = None;
    let mut left = count;
    while left > 0 {
        let message = within(watch.message()).await.unwrap().unwrap().message;
        if let Some(Message::Changes(changes)) = message {
            assert_eq!(seen.map_or(changes.revision, |it| it + 1), changes.revision);
            seen = Some(changes.revision);
            left -= 1;
        }
    }
}

#[tokio::test]
#[ignore = "needs a program of the version before"]
async fn servers_are_upgraded_one_after_the_other_under_load() {
    let url = database().await;
    let (mut old, channel) = start(serving(earlier(), &url)).await;
    let mut old_tenant = Tenant::over(channel.clone(), "t");
    old_tenant.group("MOVE").await;

    let stop = CancellationToken::new();
    let mut of_old = callers(&channel, &stop);
    watch_revisions(&mut old_tenant, 40).await;
    let (_new, new_channel) = start(serving(command([""; 0]), &url)).await;
    let mut of_new = callers(&new_channel, &stop);
    let mut new_tenant = Tenant::over(new_channel.clone(), "t");
    // Both serve the new tables, and a watch on each sees the writes of both.
    watch_revisions(&mut old_tenant, 200).await;
    watch_revisions(&mut new_tenant, 200).await;
    stop.cancel();
    for callers in [&mut of_old, &mut of_new] {
        while let Some(ended) = callers.join_next().await {
            assert!(ended.unwrap().expect("every call succeeds") > 0);
        }
    }
    old.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(old.ended().await.success());
    assert_eq!(new_tenant.members("MOVE").await, Vec::<String>::new());
    let checked = command(["check", "--database-url", &url]).output().unwrap();
    let report = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.status.success(), "{report}");
}
