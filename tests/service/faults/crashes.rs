//! PostgreSQL is killed while callers write.

use std::{collections::BTreeSet, time::Duration};

use mailing_groups::{pb::import_memberships_request::Message, postgres::Cluster, server::Limits};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tonic::{Code, Status};

use crate::support::{
    Server, Sql, Tenant, assert_consistent, assignment, durable_cluster, eventually,
    membership_chunk, person, scratch, select, within,
};

const PERSONS: usize = 2_000;

/// How many of them are assigned a group one by one.
const SINGLES: usize = 400;

const WRITERS: usize = 4;

/// Items of a chunk of the import.
const CHUNK: usize = 25;

/// The delay before a caller retries.
const PAUSE: Duration = Duration::from_millis(20);

fn id(n: usize) -> String {
    format!("P{n}")
}

/// Kills the server and waits until it answers again.
async fn kill_postgres(cluster: &Cluster) {
    let pid = eventually(async || cluster.process_id()).await;
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
    eventually(async || cluster.process_id().filter(|new| *new != pid)).await;
}

/// Assigns ONE to every fourth of some persons, starting again with those that were not acknowledged.
async fn assign(mut tenant: Tenant, writer: usize) {
    for n in (writer..SINGLES).step_by(WRITERS) {
        while let Err(status) = tenant.try_assign(&id(n), "ONE").await {
            passes(&status);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Imports MANY for all, chunk by chunk, in as many imports as needed: after an interruption it
/// continues after the last acknowledged item.
async fn import(mut tenant: Tenant) -> usize {
    let (mut done, mut cuts) = (0, 0);
    while done < PERSONS {
        match import_from(&mut tenant, &mut done).await {
            Ok(()) => {}
            Err(status) => {
                passes(&status);
                cuts += 1;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    cuts
}

/// Sends a chunk when the one before it was acknowledged, so that each is a transaction.
async fn import_from(tenant: &mut Tenant, done: &mut usize) -> Result<(), Status> {
    let all: Vec<_> = (*done..PERSONS)
        .map(|n| assignment(&id(n), "MANY"))
        .collect();
    let mut upload = tenant.upload_memberships().await;
    upload.send(Message::Start(Default::default())).await;
    let mut sent = 0;
    for chunk in all.chunks(CHUNK) {
        upload.send(membership_chunk(chunk.to_vec())).await;
        sent += chunk.len();
        let (rejections, _) = upload.until(i64::try_from(sent).unwrap()).await?;
        assert_eq!(rejections, []);
        *done += chunk.len();
    }
    upload.send(Message::Finish(Default::default())).await;
    upload.close().await.map(drop)
}

/// The only accepted failure of a call.
fn passes(status: &Status) {
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}

#[tokio::test]
async fn acknowledged_writes_survive_a_kill_of_postgresql() {
    let folder = scratch();
    let cluster = durable_cluster(folder.path()).await;
    let server = Server::on(cluster.url(), Limits::default()).await;
    let mut tenant = Tenant::of(&server, "t").await;
    for code in ["ONE", "MANY"] {
        tenant.group(code).await;
    }
    let persons: Vec<_> = (0..PERSONS).map(|n| person(&id(n), "")).collect();
    tenant.import_contacts(&persons).await;

    let mut work = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        work.spawn(assign(tenant.clone(), writer));
    }
    let import = tokio::spawn(import(tenant.clone()));
    for share in [1, 3] {
        let sql = Sql::connect(cluster.url()).await;
        let so_many = i64::try_from((PERSONS + SINGLES) * share / 5).unwrap();
        let members = "SELECT count(*) FROM memberships";
        eventually(async || (sql.number(members, &[]).await >= so_many).then_some(())).await;
        kill_postgres(&cluster).await;
    }
    within(work.join_all()).await;
    let cuts = within(import).await.unwrap();
    assert!(cuts > 0, "no import was cut");

    let mut members = async |code| {
        tenant
            .members(code)
            .await
            .into_iter()
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(members("ONE").await, (0..SINGLES).map(id).collect());
    assert_eq!(members("MANY").await, (0..PERSONS).map(id).collect());
    assert_consistent(cluster.url(), "t").await;
    server.shutdown.cancel();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn unacknowledged_writes_are_atomic() {
    let folder = scratch();
    let cluster = durable_cluster(folder.path()).await;
    let server = Server::on(cluster.url(), Limits::default()).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MANY").await;
    let persons: Vec<_> = (0..PERSONS).map(|n| person(&id(n), "")).collect();
    tenant.import_contacts(&persons).await;
    let sql = "SELECT count(*) FROM memberships";
    let mut stored = 0;
    for _ in 0..2 {
        let look = Sql::connect(cluster.url()).await;
        // The last chunk has to wait, so that the import is under way when the server is killed.
        let holder = Sql::connect(cluster.url()).await;
        let last = format!(
            "BEGIN; SELECT 1 FROM contacts WHERE id = '{}' FOR UPDATE",
            id(PERSONS - 1)
        );
        holder.run(&last).await;
        let mut importer = tenant.clone();
        let mut done = stored;
        let importing = tokio::spawn(async move {
            let cut = import_from(&mut importer, &mut done).await;
            (done, cut)
        });
        let enough = (stored + PERSONS / 5).min(PERSONS - CHUNK);
        let enough = i64::try_from(enough).unwrap();
        eventually(async || (look.number(sql, &[]).await >= enough).then_some(())).await;
        kill_postgres(&cluster).await;
        let (done, cut) = within(importing).await.unwrap();
        passes(&cut.unwrap_err());
        let members = eventually(async || tenant.stream(select("MANY")).await.ok()).await;
        stored = members.ids().len();
        let in_doubt = stored - done;
        assert!(
            in_doubt == 0 || in_doubt == CHUNK,
            "{done} acknowledged, {stored} there"
        );
    }
    assert_consistent(cluster.url(), "t").await;
    server.shutdown.cancel();
    cluster.stop().await.unwrap();
}
