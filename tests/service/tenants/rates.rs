//! The limits that each server applies to a tenant: segments, open streams, calls in a second.

use std::time::Duration;

use mailing_groups::pb::{self, TenantLimits};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{admin, create, get};
use crate::support::{Server, Tenant, eventually, info, mask, person};

async fn limit(server: &Server, limits: TenantLimits, paths: &[&str]) -> Result<(), Status> {
    let request = pb::UpdateTenantRequest {
        tenant: Some(pb::Tenant {
            name: "acme".into(),
            limits: Some(limits),
            ..Default::default()
        }),
        update_mask: mask(paths),
        ..Default::default()
    };
    admin(server).await.update_tenant(request).await.map(drop)
}

/// The limit that a refusal names, and when to try again.
fn limit_of(status: &Status) -> (String, String, Option<Duration>) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert_eq!(
        status.get_details_quota_failure().unwrap().violations.len(),
        1
    );
    let mut found = info(status);
    let retry = status.get_details_retry_info();
    (
        found.reason,
        found.metadata.remove("limit").unwrap(),
        retry.and_then(|it| it.retry_delay),
    )
}

#[tokio::test]
async fn limits_are_kept_and_shown() {
    let server = Server::start().await;
    create(&server, "acme", "").await.unwrap();
    let limits = TenantLimits {
        max_segments: 1,
        max_streams: 2,
        max_calls_per_second: 3,
        ..Default::default()
    };
    limit(&server, limits, &[]).await.unwrap();
    let mut shown = get(&server, "acme").await.unwrap();
    assert_eq!(shown.limits, Some(limits));
    limit(&server, TenantLimits::default(), &["limits.max_streams"])
        .await
        .unwrap();
    let changed = get(&server, "acme").await.unwrap();
    assert_ne!(shown.etag, changed.etag);
    shown.limits.as_mut().unwrap().max_streams = 0;
    assert_eq!(changed.limits, shown.limits);
}

#[tokio::test]
async fn a_tenant_has_no_more_segments_than_it_may() {
    let server = Server::start().await;
    let mut acme = Tenant::of(&server, "acme").await;
    let create = |id: &str| pb::CreateSegmentRequest {
        segment: Some(pb::Segment {
            id: id.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    acme.segments.create_segment(create("A")).await.unwrap();
    let limits = TenantLimits {
        max_segments: 2,
        ..Default::default()
    };
    limit(&server, limits, &[]).await.unwrap();
    acme.segments.create_segment(create("B")).await.unwrap();
    let refused = acme.segments.create_segment(create("C")).await.unwrap_err();
    let (reason, limit, retry) = limit_of(&refused);
    assert_eq!(
        (&*reason, &*limit),
        ("TENANT_LIMIT_REACHED", "max_segments")
    );
    assert_eq!(retry, None);
}

#[tokio::test]
async fn a_tenant_makes_no_more_calls_in_a_second_than_it_may() {
    let server = Server::start().await;
    let (mut acme, mut other) = (
        Tenant::of(&server, "acme").await,
        Tenant::of(&server, "other").await,
    );
    for tenant in [&mut acme, &mut other] {
        tenant.create(person("P", "")).await;
    }
    let limits = TenantLimits {
        max_calls_per_second: 1,
        ..Default::default()
    };
    limit(&server, limits, &[]).await.unwrap();
    // The server learns of it, and then the second of two calls in a second is refused.
    let refused = eventually(async || acme.get_contact("P").await.err()).await;
    let (reason, limit, retry) = limit_of(&refused);
    assert_eq!(
        (&*reason, &*limit),
        ("RATE_LIMITED", "max_calls_per_second")
    );
    assert!(retry.unwrap() <= Duration::from_secs(2), "{retry:?}");
    for _ in 0..20 {
        other.get_contact("P").await.unwrap();
    }
    // The administrator's calls do not count.
    for _ in 0..20 {
        get(&server, "acme").await.unwrap();
    }
    eventually(async || acme.get_contact("P").await.ok()).await;
}

#[tokio::test]
async fn a_tenant_has_no_more_open_streams_than_it_may() {
    let server = Server::start().await;
    let mut acme = Tenant::of(&server, "acme").await;
    acme.group("MOVE").await;
    let limits = TenantLimits {
        max_streams: 1,
        ..Default::default()
    };
    limit(&server, limits, &[]).await.unwrap();
    let request = || pb::WatchChangesRequest {
        start: Some(pb::watch_changes_request::Start::Revision(0)),
        ..Default::default()
    };
    let mut open = Vec::new();
    let refused = eventually(async || match acme.groups.watch_changes(request()).await {
        Ok(stream) => {
            open.push(stream.into_inner());
            None
        }
        Err(status) => Some(status),
    })
    .await;
    let (reason, limit, retry) = limit_of(&refused);
    assert_eq!((&*reason, &*limit), ("TENANT_LIMIT_REACHED", "max_streams"));
    assert!(retry.unwrap() <= Duration::from_secs(2), "{retry:?}");
    acme.get_group("MOVE").await.unwrap();
    drop(open);
    eventually(async || acme.groups.watch_changes(request()).await.ok()).await;
}
