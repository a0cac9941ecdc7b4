//! The pages of an export, and the requests that it rejects.

use mailing_groups::pb;
use tonic::Code;

use super::{
    Exported,
    copy::{imported, stored},
    request,
};
use crate::support::{Server, Sql, Tenant, company, person, violations};

/// A tenant with these groups, written to the tables directly; the last one through the service.
async fn with_groups(tenant: &mut Tenant, server: &Server, count: i32) {
    tenant.group("G00000").await;
    let sql = Sql::connect(&server.database_url).await;
    let tenant_id = sql.tenant_id(&tenant.name).await;
    sql.run(&format!(
        "INSERT INTO mailing_groups (tenant_id, group_id, code, description, revision, \
                 create_time, update_time) \
             SELECT {tenant_id}, n + 1, 'G' || lpad(n::text, 5, '0'), 'No. ' || n, 1, now(), now() \
             FROM generate_series(1, {count} - 1) n; \
         UPDATE clocks SET next_group_id = {count} + 1 WHERE tenant_id = {tenant_id}"
    ))
    .await;
}

#[tokio::test]
async fn pages_have_the_requested_size_within_limits() {
    let mut tenant = Tenant::new().await;
    let contacts: Vec<_> = (0..2_345)
        .map(|n| match n % 2 {
            0 => company(&format!("C{n:04}")),
            _ => person(&format!("P{n:04}"), ""),
        })
        .collect();
    tenant.import_contacts(&contacts).await;
    let mut ids: Vec<_> = contacts.iter().map(|it| it.id.clone()).collect();
    ids.sort();
    for (size, pages) in [
        (0, vec![1_000, 1_000, 345]),
        (2_001, vec![2_000, 345]),
        (782, vec![782, 782, 781]),
    ] {
        let exported = tenant.export(request(size, "")).await.unwrap();
        assert_eq!(exported.ids(), ids);
        let sizes = exported.pages.iter().map(|page| page.contacts.len());
        assert_eq!(sizes.collect::<Vec<_>>(), pages);
    }
    let status = tenant.export(request(-1, "")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(violations(&status), ["page_size"]);
}

#[tokio::test]
async fn contacts_with_many_groups_take_several_pages() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "many").await;
    with_groups(&mut tenant, &server, 1_050).await;
    let contacts = [company("C1"), person("P1", "C1"), person("P2", "")];
    let ids: Vec<_> = (0..12).map(|n| format!("X{n}")).collect();
    tenant.import_contacts(&contacts).await;
    let more: Vec<_> = ids.iter().map(|id| person(id, "C1")).collect();
    tenant.import_contacts(&more).await;
    let pairs: Vec<_> = (0..1_050)
        .flat_map(|n| ids.iter().map(move |id| (id.clone(), format!("G{n:05}"))))
        .collect();
    tenant.import_memberships(&pairs).await;
    let exported = tenant.export(request(3, "")).await.unwrap();
    let parts = exported.groups.iter().map(Vec::len);
    assert_eq!(parts.collect::<Vec<_>>(), [1_000, 50]);

    // Those with many groups, after those with none. Before the last of their pages a resumed
    // stream begins with them again.
    let token = &exported.pages[0].resume_token;
    let rest = tenant.export(request(12, token)).await.unwrap();
    let sizes = rest.pages.iter();
    let sizes = sizes.map(|it| (it.contacts.len(), it.assignments.len()));
    assert_eq!(sizes.collect::<Vec<_>>(), [(12, 10_000), (0, 2_600)]);
    assert_eq!(rest.pages[0].resume_token, *token);
    let last = request(0, &rest.pages[1].resume_token);
    assert_eq!(tenant.export(last).await.unwrap().pages, []);
    assert_eq!(rest.pairs(), exported.pairs());

    let whole = tenant.export(request(15, "")).await.unwrap();
    assert_eq!(whole.pages[0].resume_token, "");
    imported(&server, "copy", &whole).await;
    let (original, copy) = (stored(&server, "many"), stored(&server, "copy"));
    assert!(original.await == copy.await);
}

#[tokio::test]
async fn messages_have_a_bounded_size() {
    use prost::Message;
    let mut tenant = Tenant::new().await;
    let code = "移転移転移転移転移転移";
    tenant.group(code).await;
    let wide = |n: usize| pb::Contact {
        name: "移".repeat(100),
        email: format!("{}@x", "移".repeat(250)),
        ..company(&format!("{n:064}"))
    };
    let contacts: Vec<_> = (0..2_000).map(wide).collect();
    tenant.import_contacts(&contacts).await;
    let pairs: Vec<_> = contacts
        .iter()
        .map(|it| (it.id.clone(), code.to_owned()))
        .collect();
    tenant.import_memberships(&pairs).await;
    let exported = tenant.export(request(2_000, "")).await.unwrap();
    let sizes: Vec<_> = exported.pages.iter().map(Message::encoded_len).collect();
    assert!(sizes.iter().all(|size| *size < 1_100_000), "{sizes:?}");
    assert!(sizes.len() > 2, "{sizes:?}");
    assert_eq!((exported.ids().len(), exported.pairs()), (2_000, pairs));
}

#[tokio::test]
async fn groups_are_exported_with_their_definitions_and_counts() {
    let mut tenant = Tenant::new().await;
    let group = crate::support::new_group("MOVE", "Office move");
    tenant.create_group(group, "").await.unwrap();
    tenant.group("EMPTY").await;
    tenant
        .import_contacts(&[company("C"), person("P", "C")])
        .await;
    for id in ["C", "P"] {
        tenant.assign(id, "MOVE").await;
    }
    let Exported {
        groups, summary, ..
    } = tenant.export(request(0, "")).await.unwrap();
    let wanted = [
        pb::MailingGroup {
            code: "EMPTY".into(),
            ..Default::default()
        },
        pb::MailingGroup {
            code: "MOVE".into(),
            description: "Office move".into(),
            contact_count: 2,
            company_count: 1,
            person_count: 1,
            ..Default::default()
        },
    ];
    assert_eq!(groups, [wanted]);
    assert_eq!(summary.revision, 5);
}

#[tokio::test]
async fn an_unknown_tenant_exports_nothing() {
    let mut tenant = Tenant::of(Server::shared().await, "never-heard-of").await;
    let Exported {
        groups,
        pages,
        summary,
    } = tenant.export(request(0, "")).await.unwrap();
    assert!(groups.is_empty() && pages.is_empty());
    assert_eq!(summary, Default::default());
}
