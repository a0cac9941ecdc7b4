//! Commits are lost while the server runs, and others get their revision numbers: as after a failover
//! to a standby that lags, or the restore of a backup.

use mailing_groups::{
    pb::{self, watch_changes_request::Start, watch_changes_response::Message},
    server::Limits,
};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::support::{
    Backup, Network, Pool, Proxy, Server, Sql, Tenant, assert_consistent, company, database,
    eventually, mask, migrate, person, select,
};

/// A tenant with the group MOVE, company A and persons P1 and P2; P1 has MOVE.
struct Scene {
    proxy: Proxy,
    url: String,
    server: Server,
    tenant: Tenant,
}

impl Scene {
    async fn new() -> Self {
        let url = database().await;
        migrate(&url).await;
        let proxy = Proxy::before(&url).await;
        let server = Server::via(proxy.url(), &url, Pool::default(), Limits::default()).await;
        let mut tenant = Tenant::of(&server, "t").await;
        tenant.group("MOVE").await;
        for contact in [company("A"), person("P1", "A"), person("P2", "")] {
            tenant.create(contact).await;
        }
        tenant.assign("P1", "MOVE").await;
        Self {
            proxy,
            url,
            server,
            tenant,
        }
    }

    async fn backup(&mut self) -> Backup {
        self.proxy.set(Network::Refusing);
        let backup = Backup::of(&self.url).await;
        self.reconnect().await;
        backup
    }

    /// Everything since the backup is lost.
    async fn restore(&mut self, backup: Backup) {
        self.proxy.set(Network::Refusing);
        backup.restore().await;
        self.reconnect().await;
    }

    /// Until the server has noticed that its connections were cut.
    async fn reconnect(&mut self) {
        // The calls of the fault fail, and the idle connections are closed.
        let tenant = &self.tenant;
        let call = async |fails: bool| {
            let answer = tenant.clone().get_group("MOVE").await;
            (answer.is_err() == fails).then_some(())
        };
        eventually(async || call(true).await).await;
        self.proxy.set(Network::Up);
        eventually(async || call(false).await).await;
    }
}

pub(super) fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

pub(super) async fn ids(tenant: &mut Tenant) -> Vec<String> {
    let request = pb::StreamSegmentMembersRequest {
        view: pb::SegmentMemberView::Ids.into(),
        ..select("*")
    };
    tenant.stream(request).await.unwrap().ids()
}

pub(super) async fn watch(
    tenant: &mut Tenant,
    start: Start,
) -> Streaming<pb::WatchChangesResponse> {
    let request = pb::WatchChangesRequest {
        start: Some(start),
        ..Default::default()
    };
    tenant
        .groups
        .watch_changes(request)
        .await
        .unwrap()
        .into_inner()
}

/// Reads up to the changes of a revision; its token.
pub(super) async fn read_to(
    feed: &mut Streaming<pb::WatchChangesResponse>,
    revision: i64,
) -> String {
    loop {
        let message = feed.message().await.unwrap().unwrap().message.unwrap();
        if let Message::Changes(changes) = message
            && changes.revision == revision
        {
            return changes.resume_token;
        }
    }
}

/// The error that ends a stream.
pub(super) async fn end(feed: &mut Streaming<pb::WatchChangesResponse>) -> Status {
    loop {
        if let Err(status) = feed.message().await {
            return status;
        }
    }
}

#[tokio::test]
async fn selections_counts_and_ids_are_those_of_the_new_history() {
    let mut scene = Scene::new().await;
    let backup = scene.backup().await;
    let tenant = &mut scene.tenant;
    tenant.assign("P2", "MOVE").await;
    tenant.create(person("LOST", "")).await;
    assert_eq!(tenant.members("MOVE").await, ["P1", "P2"]);
    assert_eq!(ids(tenant).await, ["A", "P1", "P2", "LOST"]);
    scene.restore(backup).await;
    let tenant = &mut scene.tenant;
    assert_eq!(tenant.members("MOVE").await, ["P1"]);
    // The same revisions and the same contact number again, with another content.
    tenant.assign("A", "MOVE").await;
    tenant.create(person("NEW", "")).await;
    assert_eq!(tenant.members("MOVE").await, ["A", "P1"]);
    assert_eq!(ids(tenant).await, ["A", "P1", "P2", "NEW"]);
    assert_eq!(tenant.get_group("MOVE").await.unwrap().contact_count, 2);
    tenant.create(person("LATER", "A")).await;
    assert_eq!(ids(tenant).await, ["A", "P1", "P2", "NEW", "LATER"]);
    assert_consistent(&scene.url, "t").await;
}

#[tokio::test]
async fn etags_of_lost_versions_are_stale() {
    let mut scene = Scene::new().await;
    let backup = scene.backup().await;
    let renamed = |name: &str| pb::Contact {
        name: name.into(),
        ..person("P1", "A")
    };
    let update = async |tenant: &mut Tenant, contact| {
        let request = pb::UpdateContactRequest {
            contact: Some(contact),
            update_mask: mask(&["name"]),
            ..Default::default()
        };
        let answer = tenant.contacts.update_contact(request).await?;
        Ok::<_, Status>(answer.into_inner().contact.unwrap())
    };
    let lost = update(&mut scene.tenant, renamed("lost")).await.unwrap();
    scene.restore(backup).await;
    let new = update(&mut scene.tenant, renamed("new")).await.unwrap();
    assert_eq!(new.revision, lost.revision);
    let stale = pb::Contact {
        etag: lost.etag,
        ..renamed("overwritten")
    };
    let refused = update(&mut scene.tenant, stale).await.unwrap_err();
    assert_eq!(reason(&refused), "ETAG_MISMATCH");
    let current = pb::Contact {
        etag: new.etag,
        ..renamed("newer")
    };
    assert_eq!(
        update(&mut scene.tenant, current).await.unwrap().name,
        "newer"
    );
}

#[tokio::test]
async fn resume_tokens_of_lost_commits_are_refused_and_older_ones_go_on() {
    let mut scene = Scene::new().await;
    let paged = |token: &str| pb::StreamSegmentMembersRequest {
        page_size: 1,
        resume_token: token.into(),
        ..select("*")
    };
    let kept = scene.tenant.stream(paged("")).await.unwrap().pages[0].clone();
    let backup = scene.backup().await;
    scene.tenant.create(person("LOST", "")).await;
    let lost = scene.tenant.stream(paged("")).await.unwrap().pages[0].clone();
    scene.restore(backup).await;
    scene.tenant.create(person("NEW", "")).await;
    let refused = scene.tenant.stream(paged(&lost.resume_token)).await;
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.code(), &*reason(&refused)),
        (Code::Aborted, "HISTORY_REPLACED")
    );
    let rest = scene
        .tenant
        .stream(paged(&kept.resume_token))
        .await
        .unwrap();
    assert_eq!(rest.ids(), ["P1", "P2", "NEW"]);
}

#[tokio::test]
async fn watchers_learn_that_the_history_was_replaced() {
    let mut scene = Scene::new().await;
    let backup = scene.backup().await;
    let mut open = watch(&mut scene.tenant, Start::Revision(0)).await;
    let kept = read_to(&mut open, 5).await;
    scene.tenant.assign("P2", "MOVE").await;
    let lost = read_to(&mut open, 6).await;
    scene.restore(backup).await;
    let ended = end(&mut open).await;
    // The watcher's own connection may break before it can read again.
    assert!(
        matches!(ended.code(), Code::Aborted | Code::Unavailable),
        "{ended:?}"
    );
    scene.tenant.assign("A", "MOVE").await;
    let refused = pb::WatchChangesRequest {
        start: Some(Start::ResumeToken(lost)),
        ..Default::default()
    };
    let refused = scene
        .tenant
        .groups
        .watch_changes(refused)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "HISTORY_REPLACED");
    let mut resumed = watch(&mut scene.tenant, Start::ResumeToken(kept)).await;
    read_to(&mut resumed, 6).await;
}

/// A dump is restored into the same database, while connections stay open.
#[tokio::test]
async fn an_open_watch_ends_when_other_commits_replace_those_it_sent() {
    let mut scene = Scene::new().await;
    let mut open = watch(&mut scene.tenant, Start::Revision(0)).await;
    read_to(&mut open, 5).await;
    let sql = Sql::connect(&scene.url).await;
    sql.run("UPDATE revisions SET commit_id = commit_id + 1 WHERE revision = 5")
        .await;
    let ended = end(&mut open).await;
    assert_eq!(reason(&ended), "HISTORY_REPLACED", "{ended:?}");
    assert_eq!(scene.tenant.members("MOVE").await, ["P1"]);
}

#[tokio::test]
async fn a_lost_tenant_is_not_taken_for_another() {
    let mut scene = Scene::new().await;
    let backup = scene.backup().await;
    let mut lost = Tenant::of(&scene.server, "lost").await;
    lost.create(person("SECRET", "")).await;
    scene.restore(backup).await;
    let mut new = Tenant::of(&scene.server, "new").await;
    new.create(person("NEW", "")).await;
    assert_eq!(
        lost.get_contact("SECRET").await.unwrap_err().code(),
        Code::NotFound
    );
    assert_eq!(ids(&mut lost).await, Vec::<String>::new());
    lost.create(person("AGAIN", "")).await;
    assert_eq!(ids(&mut lost).await, ["AGAIN"]);
    assert_eq!(ids(&mut new).await, ["NEW"]);
}
