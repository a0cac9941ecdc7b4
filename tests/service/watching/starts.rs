//! Where a watch can start.

use mailing_groups::pb::{self, ChangeKind, watch_changes_request::Start};
use tonic::Code;

use super::feed::{after, filtered, from, now};
use crate::support::{Server, Tenant, company, info, violations};

#[tokio::test]
async fn an_invalid_start_is_rejected() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("A")).await;
    let unspecified = filtered(now(), &[ChangeKind::Unspecified], &[]);
    let unknown = pb::WatchChangesRequest {
        kinds: vec![1, 99],
        ..now()
    };
    let too_many = filtered(now(), &[ChangeKind::Contacts; 5], &[]);
    for (request, field) in [
        (pb::WatchChangesRequest::default(), "start"),
        (after(-1), "revision"),
        (after(2), "revision"),
        (unspecified, "kinds[0]"),
        (unknown, "kinds[1]"),
        (too_many, "kinds"),
        (filtered(now(), &[], &["OK", "not ok"]), "codes[1]"),
    ] {
        let status = tenant.watch(request).await.err().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(violations(&status), [field]);
    }
    assert!(tenant.watch(after(1)).await.is_ok());
}

#[tokio::test]
async fn a_tenant_can_be_watched_before_it_exists() {
    let server = Server::shared().await;
    let mut tenant = Tenant::of(server, "yet-to-come").await;
    let mut feed = tenant.watch(now()).await.unwrap();
    assert_eq!(feed.until_progress().await, (vec![], 0));
    tenant.group("MOVE").await;
    assert_eq!(feed.changes().await.revision, 1);
}

#[tokio::test]
async fn tenants_are_isolated() {
    let (mut mine, mut theirs) = (Tenant::new().await, Tenant::new().await);
    let mut feed = mine.watch(now()).await.unwrap();
    feed.until_progress().await;
    theirs.group("THEIRS").await;
    mine.group("MINE").await;
    let changes = feed.changes().await;
    let seen = format!("{changes:?}");
    assert!(seen.contains("MINE") && !seen.contains("THEIRS"));
    let token = from(Start::ResumeToken(changes.resume_token));
    let refused = theirs.watch(token).await.err().unwrap();
    assert_eq!(info(&refused).reason, "HISTORY_REPLACED");
}
