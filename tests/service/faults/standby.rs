//! The primary is lost with commits that its asynchronous standby does not have; the standby becomes the
//! primary, and other commits get the same revision numbers. The services go on without a restart.

mod calls;
mod hosts;

use std::time::{Duration, Instant};

use mailing_groups::{
    pb::{self, watch_changes_request::Start},
    server::Limits,
};
use tonic::{Code, Streaming};

use self::calls::{
    Tokens, assert_members, count, export, finish_import, is_replaced, open_import, paged, rename,
    snapshot, tokens,
};
use super::lost_commits::{end, ids, read_to, reason, watch};
use crate::support::{
    Pool, Replication, Server, Tenant, assert_consistent, company, contact_chunk, eventually,
    findings, migrate, person,
};

/// The defaults of the service.
const POOL: Pool = Pool {
    connections: 16,
    wait: Duration::from_secs(2),
};

struct Scene {
    pair: Replication,
    servers: Vec<Server>,
    /// The tenant, through each server.
    tenants: Vec<Tenant>,
}

impl Scene {
    /// Servers that know both hosts.
    async fn new(servers: usize, options: &str) -> Self {
        let pair = Replication::start().await;
        migrate(pair.primary_url()).await;
        let (url, count) = (pair.url(options), servers);
        let (mut servers, mut tenants) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let server = Server::via(&url, pair.primary_url(), POOL, Limits::default()).await;
            tenants.push(Tenant::of(&server, "t").await);
            servers.push(server);
        }
        Self {
            pair,
            servers,
            tenants,
        }
    }

    /// Kills the primary, makes the standby the primary, and writes until that is possible.
    async fn fail_over(&mut self) {
        self.pair.kill_primary();
        self.pair.promote().await;
        let promoted = Instant::now();
        let tenant = &mut self.tenants[0];
        eventually(async || tenant.try_assign("A", "MOVE").await.ok()).await;
        println!("first write {:?} after the promotion", promoted.elapsed());
    }
}

type Feed = Streaming<pb::WatchChangesResponse>;

/// What callers got before the failover.
struct Known {
    kept: Tokens,
    kept_watch: String,
    lost: Tokens,
    lost_watch: String,
    lost_etag: String,
    feeds: Vec<Feed>,
}

/// Seven revisions that the standby has, and four more that it has not.
async fn fill(scene: &mut Scene) -> Known {
    let tenant = &mut scene.tenants[0];
    for code in ["MOVE", "GIFT"] {
        tenant.group(code).await;
    }
    for contact in [company("A"), person("P1", "A"), person("P2", "")] {
        tenant.create(contact).await;
    }
    tenant.assign("P1", "MOVE").await;
    let (mut upload, _) = open_import(tenant, 0).await;
    let chunk = |ids: [&str; 2]| contact_chunk(ids.map(|id| person(id, "")).to_vec());
    upload.send(chunk(["I1", "I2"])).await;
    upload.until(2).await.unwrap();
    let kept = tokens(tenant).await;
    let mut feeds = Vec::new();
    let mut kept_watch = String::new();
    for tenant in &mut scene.tenants {
        let mut feed = watch(tenant, Start::Revision(0)).await;
        kept_watch = read_to(&mut feed, 7).await;
        feeds.push(feed);
    }
    scene.pair.until_level().await;
    // A standby can be checked too.
    assert_eq!(findings(scene.pair.standby_url(), None).await, [""; 0]);
    scene.pair.separate().await;

    let tenant = &mut scene.tenants[0];
    tenant.assign("P2", "MOVE").await;
    tenant.create(person("LOST", "")).await;
    let lost_etag = rename(tenant, "lost", "").await.unwrap().etag;
    upload.send(chunk(["I3", "I4"])).await;
    upload.until(4).await.unwrap();
    let lost = tokens(tenant).await;
    let mut lost_watch = String::new();
    for (tenant, feed) in scene.tenants.iter_mut().zip(&mut feeds) {
        assert_members(tenant, "MOVE", &["P1", "P2"]).await;
        assert_eq!(ids(tenant).await.len(), 8);
        lost_watch = read_to(feed, 11).await;
    }
    Known {
        kept,
        kept_watch,
        lost,
        lost_watch,
        lost_etag,
        feeds,
    }
}

/// Other commits, of the same revisions and one more.
async fn write_others(tenant: &mut Tenant) {
    tenant.create(person("NEW", "")).await;
    rename(tenant, "new", "").await.unwrap();
    tenant.assign("P2", "GIFT").await;
    let later = tenant.create(person("LATER", "A")).await;
    assert_eq!(later.revision, 12);
}

async fn assert_new_history(tenant: &mut Tenant, known: &Known) {
    assert_members(tenant, "MOVE", &["A", "P1"]).await;
    assert_members(tenant, "GIFT", &["P2"]).await;
    let all = ["A", "P1", "P2", "I1", "I2", "NEW", "LATER"];
    assert_eq!(ids(tenant).await, all);
    assert_eq!(count(tenant, "*").await, 7);
    assert_eq!(tenant.get_contact("P1").await.unwrap().name, "new");
    let stale = rename(tenant, "stale", &known.lost_etag).await.unwrap_err();
    assert_eq!(reason(&stale), "ETAG_MISMATCH");

    is_replaced(&tenant.stream(paged(&known.lost.stream)).await.unwrap_err());
    is_replaced(&export(tenant, &known.lost.export).await.unwrap_err());
    let rest = tenant.stream(paged(&known.kept.stream)).await.unwrap();
    assert_eq!(rest.ids(), all[1..]);
    // The company was sent before, and changed since.
    let rest = export(tenant, &known.kept.export).await.unwrap();
    let rest: Vec<_> = rest.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(rest, all);

    let lost = pb::WatchChangesRequest {
        start: Some(Start::ResumeToken(known.lost_watch.clone())),
        ..Default::default()
    };
    is_replaced(&tenant.groups.watch_changes(lost).await.unwrap_err());
    let kept = Start::ResumeToken(known.kept_watch.clone());
    read_to(&mut watch(tenant, kept).await, 12).await;
    let (members, revision) = snapshot(tenant).await;
    assert_eq!((members, revision), (vec!["A".into(), "P1".into()], 12));
}

async fn nothing_is_taken_for_what_was_lost(servers: usize) {
    let mut scene = Scene::new(servers, "&target_session_attrs=read-write").await;
    let mut known = fill(&mut scene).await;
    scene.fail_over().await;
    let last = scene.tenants.len() - 1;
    write_others(&mut scene.tenants[last]).await;
    for feed in &mut known.feeds {
        let ended = end(feed).await;
        // A watcher cannot read while the primary is away.
        assert!(
            matches!(ended.code(), Code::Aborted | Code::Unavailable),
            "{ended:?}"
        );
    }
    for tenant in &mut scene.tenants {
        assert_new_history(tenant, &known).await;
    }
    // Two of the four acknowledged items were lost; the service says so.
    assert_eq!(finish_import(&mut scene.tenants[0], 4).await, 2);
    for tenant in &mut scene.tenants {
        assert_eq!(count(tenant, "*").await, 9);
        assert_eq!(ids(tenant).await[7..], ["I3", "I4"]);
    }
    assert_consistent(scene.pair.primary_url(), "t").await;
}

#[tokio::test]
async fn a_server_goes_on_with_the_history_of_the_standby() {
    nothing_is_taken_for_what_was_lost(1).await;
}

#[tokio::test]
async fn two_servers_go_on_with_the_history_of_the_standby() {
    nothing_is_taken_for_what_was_lost(2).await;
}
