//! The service `Tenants`: creating, reading, listing and limiting.

use mailing_groups::pb::{
    self, TenantLimits,
    import_contacts_request::{Message as ToContacts, Start},
};
use tonic::{Code, Request};

use super::{admin, create, create_as, get};
use crate::support::{
    Server, Sql, Tenant, assert_consistent, company, contact_chunk, info, mask, new_group, person,
    refused, resource, violations,
};

async fn limit(
    server: &Server,
    name: &str,
    (max_contacts, max_mailing_groups): (i64, i64),
    paths: &[&str],
    etag: &str,
) -> Result<pb::Tenant, tonic::Status> {
    let request = pb::UpdateTenantRequest {
        tenant: Some(pb::Tenant {
            name: name.into(),
            etag: etag.into(),
            limits: Some(TenantLimits {
                max_contacts,
                max_mailing_groups,
                ..Default::default()
            }),
            ..Default::default()
        }),
        update_mask: mask(paths),
        ..Default::default()
    };
    let updated = admin(server).await.update_tenant(request).await?;
    Ok(updated.into_inner().tenant.unwrap())
}

#[tokio::test]
async fn a_tenant_is_created_once() {
    let server = Server::start().await;
    let created = create(&server, "acme", "one").await.unwrap();
    assert_eq!((created.name.as_str(), created.revision), ("acme", 0));
    assert_eq!(create(&server, "acme", "one").await.unwrap(), created);
    for id in ["", "two"] {
        let status = create(&server, "acme", id).await.unwrap_err();
        assert_eq!(status.code(), Code::AlreadyExists);
        assert_eq!(info(&status).reason, "TENANT_ALREADY_EXISTS");
        assert_eq!(
            resource(&status),
            ("mailinggroups.v1.Tenant".into(), "acme".into())
        );
    }
    let invalid = create(&server, "Acme", "").await.unwrap_err();
    assert_eq!(violations(&invalid), ["tenant.name"]);
}

#[tokio::test]
async fn a_tenant_is_created_with_its_limits() {
    let server = Server::start().await;
    let limited = |max_contacts| pb::Tenant {
        name: "acme".into(),
        limits: Some(TenantLimits {
            max_contacts,
            ..Default::default()
        }),
        ..Default::default()
    };
    let status = create_as(&server, limited(-1), "").await.unwrap_err();
    assert_eq!(violations(&status), ["tenant.limits.max_contacts"]);
    let created = create_as(&server, limited(1), "").await.unwrap();
    assert_eq!((created.limits, created.revision), (limited(1).limits, 0));
    let mut acme = Tenant::of(&server, "acme").await;
    acme.create(company("A")).await;
    let status = acme.try_create(company("B")).await;
    assert_eq!(refused(status).1, "TENANT_LIMIT_REACHED");
}

#[tokio::test]
async fn a_tenant_tells_what_it_has() {
    let server = Server::start().await;
    let mut filled = Tenant::of(&server, "acme").await;
    for code in ["MOVE", "GIFT"] {
        filled.group(code).await;
    }
    for contact in [company("A"), person("P", "A"), person("Q", "")] {
        filled.create(contact).await;
    }
    filled.assign("A", "MOVE").await;
    filled.assign("P", "MOVE").await;
    filled.assign("P", "GIFT").await;
    filled
        .segments
        .create_segment(pb::CreateSegmentRequest::default())
        .await
        .unwrap();
    let found = get(&server, "acme").await.unwrap();
    let counts = pb::TenantCounts {
        mailing_group_count: 2,
        contact_count: 3,
        membership_count: 3,
        segment_count: 1,
    };
    assert_eq!((found.revision, found.counts), (9, Some(counts)));
    filled.merge("P", "Q").await.unwrap();
    filled.delete_contact("P", "", true).await.unwrap();
    filled.delete_group("GIFT", "", true).await.unwrap();
    let counts = pb::TenantCounts {
        mailing_group_count: 1,
        contact_count: 1,
        membership_count: 1,
        segment_count: 1,
    };
    assert_eq!(get(&server, "acme").await.unwrap().counts, Some(counts));
    assert_consistent(&server.database_url, "acme").await;
}

#[tokio::test]
async fn an_unknown_tenant_is_not_found_and_not_created() {
    let server = Server::start().await;
    let missing = (Code::NotFound, "TENANT_NOT_FOUND".to_owned());
    assert_eq!(refused(get(&server, "acme").await), missing);
    let updated = limit(&server, "acme", (1, 1), &[], "").await;
    assert_eq!(refused(updated), missing);
    assert_eq!(refused(get(&server, "acme").await), missing);
}

#[tokio::test]
async fn tenants_are_listed_by_name() {
    let server = Server::start().await;
    for name in ["b-2", "a", "b-1", "b-3"] {
        create(&server, name, "").await.unwrap();
    }
    let mut request = pb::ListTenantsRequest {
        prefix: "b".into(),
        page_size: 2,
        ..Default::default()
    };
    let mut names = Vec::new();
    loop {
        let mut call = Request::new(request.clone());
        // Not even read.
        let key = call.metadata_mut();
        key.insert("x-tenant", "NOT A NAME".parse().unwrap());
        let page = admin(&server).await.list_tenants(call).await.unwrap();
        let page = page.into_inner();
        names.extend(page.tenants.into_iter().map(|it| it.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(names, ["b-1", "b-2", "b-3"]);
}

/// Their groups are summed up.
#[tokio::test]
async fn a_page_of_tenants_with_very_many_groups_is_short() {
    let server = Server::start().await;
    for name in ["a", "b", "c", "d"] {
        create(&server, name, "").await.unwrap();
    }
    let sql = Sql::connect(&server.database_url).await;
    sql.run("UPDATE clocks SET mailing_group_count = 60000")
        .await;
    let mut request = pb::ListTenantsRequest::default();
    let mut pages = Vec::new();
    while pages.is_empty() || !request.page_token.is_empty() {
        let page = admin(&server).await.list_tenants(request.clone()).await;
        let page = page.unwrap().into_inner();
        let names = page.tenants.into_iter().map(|it| it.name);
        pages.push(names.collect::<Vec<_>>());
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages, [["a", "b"], ["c", "d"]]);
}

#[tokio::test]
async fn limits_are_changed_by_mask_and_etag() {
    let server = Server::start().await;
    let created = create(&server, "acme", "").await.unwrap();
    let limits = |it: &pb::Tenant| it.limits.map(|it| (it.max_contacts, it.max_mailing_groups));
    let first = limit(&server, "acme", (5, 0), &[], &created.etag).await;
    let first = first.unwrap();
    assert_eq!(limits(&first), Some((5, 0)));
    let stale = limit(&server, "acme", (6, 0), &[], &created.etag).await;
    assert_eq!(refused(stale).0, Code::Aborted);
    let groups = ["limits.max_mailing_groups"];
    let second = limit(&server, "acme", (7, 8), &groups, &first.etag).await;
    assert_eq!(limits(&second.unwrap()), Some((5, 8)));
    let none = limit(&server, "acme", (0, 0), &["*"], "").await;
    assert_eq!(limits(&none.unwrap()), Some((0, 0)));
    let negative = limit(&server, "acme", (-1, 0), &[], "").await.unwrap_err();
    assert_eq!(violations(&negative), ["tenant.limits.max_contacts"]);
    let unknown = limit(&server, "acme", (1, 0), &["name"], "").await;
    assert_eq!(violations(&unknown.unwrap_err()), ["update_mask"]);
}

#[tokio::test]
async fn a_tenant_does_not_exceed_its_limits() {
    let server = Server::start().await;
    let mut acme = Tenant::of(&server, "acme").await;
    acme.create(company("A")).await;
    acme.group("MOVE").await;
    limit(&server, "acme", (2, 1), &[], "").await.unwrap();
    acme.create(company("B")).await;
    let status = acme.try_create(company("C")).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let found = info(&status);
    assert_eq!(found.reason, "TENANT_LIMIT_REACHED");
    assert_eq!(
        (&*found.metadata["limit"], &*found.metadata["maximum"]),
        ("max_contacts", "2")
    );
    let status = acme
        .create_group(new_group("GIFT", ""), "")
        .await
        .unwrap_err();
    assert_eq!(info(&status).metadata["limit"], "max_mailing_groups");
    let upload = acme.upload_contacts().await;
    upload.send(ToContacts::Start(Start::default())).await;
    upload.send(contact_chunk(vec![company("C")])).await;
    assert_eq!(refused(upload.close().await).1, "TENANT_LIMIT_REACHED");
    acme.delete_contact("A", "", false).await.unwrap();
    acme.create(company("C")).await;
    let counts = get(&server, "acme").await.unwrap().counts.unwrap();
    assert_eq!((counts.contact_count, counts.mailing_group_count), (2, 1));
}

#[tokio::test]
async fn a_repeated_update_is_not_done_again() {
    let server = Server::start().await;
    create(&server, "acme", "").await.unwrap();
    let update = |max_contacts, request_id: &str| pb::UpdateTenantRequest {
        tenant: Some(pb::Tenant {
            name: "acme".into(),
            limits: Some(TenantLimits {
                max_contacts,
                ..Default::default()
            }),
            ..Default::default()
        }),
        request_id: request_id.into(),
        ..Default::default()
    };
    let mut client = admin(&server).await;
    for (max, id, expected) in [(1, "one", 1), (2, "two", 2), (1, "one", 2)] {
        let updated = client.update_tenant(update(max, id)).await.unwrap();
        let limits = updated.into_inner().tenant.unwrap().limits.unwrap();
        assert_eq!(limits.max_contacts, expected);
    }
    let reused = client.update_tenant(update(3, "one")).await.unwrap_err();
    assert_eq!(violations(&reused), ["request_id"]);
}
