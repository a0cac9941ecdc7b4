//! Listing what each revision changed.

use mailing_groups::pb::{self, RevisionChangeKind as Kind};
use tonic::{Code, Request};

use crate::support::{Server, Sql, Tenant, company, new_group, pairs, person, violations};

impl Tenant {
    async fn revision_page(
        &mut self,
        request: &pb::ListRevisionsRequest,
    ) -> (Vec<pb::Revision>, String) {
        let response = self.groups.list_revisions(request.clone()).await.unwrap();
        let response = response.into_inner();
        (response.revisions, response.next_page_token)
    }

    /// The numbers of all revisions of a list, read page by page.
    async fn revisions(&mut self, mut request: pb::ListRevisionsRequest) -> Vec<i64> {
        let mut all = Vec::new();
        loop {
            let (revisions, next) = self.revision_page(&request).await;
            all.extend(revisions.into_iter().map(|it| it.revision));
            request.page_token = next;
            if request.page_token.is_empty() {
                return all;
            }
        }
    }
}

fn of(contact_id: &str, code: &str) -> pb::ListRevisionsRequest {
    pb::ListRevisionsRequest {
        contact_id: contact_id.into(),
        code: code.into(),
        ..Default::default()
    }
}

/// Groups MOVE (1) and GIFT (2), company C (3) and person P (4); C and P get MOVE and C gets GIFT (5);
/// MOVE becomes GO (6); P is deleted (7) and created again (8).
async fn filled() -> Tenant {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.group("GIFT").await;
    tenant.create(company("C")).await;
    tenant.create(person("P", "C")).await;
    let items = [("C", "MOVE"), ("P", "MOVE"), ("C", "GIFT")];
    tenant.batch_assign(pairs(&items), "").await.unwrap();
    tenant.rename("MOVE", "GO", "").await.unwrap();
    tenant.delete_contact("P", "", false).await.unwrap();
    tenant.create(person("P", "")).await;
    tenant
}

fn change(kind: Kind, name: &str, contacts: &[&str]) -> pb::RevisionChange {
    pb::RevisionChange {
        kind: kind.into(),
        name: name.into(),
        former_code: String::new(),
        contact_count: i64::try_from(contacts.len()).unwrap(),
        contact_ids: contacts.iter().map(ToString::to_string).collect(),
    }
}

#[tokio::test]
async fn revisions_say_when_by_which_call_and_what_changed() {
    let mut tenant = filled().await;
    let mut request = Request::new(pb::CreateMailingGroupRequest {
        mailing_group: Some(new_group("NEW", "")),
        ..Default::default()
    });
    let id = "who-did-it".parse().unwrap();
    request.metadata_mut().insert("x-request-id", id);
    let created = tenant.groups.create_mailing_group(request).await.unwrap();
    let created = created.into_inner().mailing_group.unwrap();
    let (revisions, next) = tenant.revision_page(&of("", "")).await;
    let numbers = revisions.iter().map(|it| it.revision);
    assert_eq!(numbers.collect::<Vec<_>>(), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(next, "");
    assert_eq!(revisions[0].request_id, "who-did-it");
    assert_eq!(revisions[0].commit_time, created.create_time);
    let changes = |revision: usize| revisions[9 - revision].changes.clone();
    assert_eq!(changes(9), [change(Kind::MailingGroupCreated, "NEW", &[])]);
    let deleted = [
        pb::RevisionChange {
            contact_ids: vec![],
            ..change(Kind::MembersRemoved, "GO", &["P"])
        },
        change(Kind::ContactsDeleted, "", &["P"]),
    ];
    assert_eq!(changes(7), deleted);
    let renamed = pb::RevisionChange {
        former_code: "MOVE".into(),
        ..change(Kind::MailingGroupRenamed, "GO", &[])
    };
    assert_eq!(changes(6), [renamed]);
    let assigned = [
        pb::RevisionChange {
            contact_ids: vec!["C".into()],
            ..change(Kind::MembersAdded, "MOVE", &["C", "P"])
        },
        change(Kind::MembersAdded, "GIFT", &["C"]),
    ];
    assert_eq!(changes(5), assigned);
    assert_eq!(revisions[4].change_count, 2);
    assert_eq!(changes(3), [change(Kind::ContactsCreated, "", &["C"])]);
}

#[tokio::test]
async fn revisions_are_filtered_by_contact_and_group() {
    let mut tenant = filled().await;
    for (contact_id, code, expected) in [
        ("C", "", vec![5, 3]),
        ("P", "", vec![8, 7, 5, 4]),
        ("", "GO", vec![7, 6, 5, 1]),
        ("", "move", vec![7, 6, 5, 1]),
        ("P", "GO", vec![7, 5]),
        ("P", "GIFT", vec![]),
        ("X", "", vec![]),
        ("", "NONE", vec![]),
    ] {
        for page_size in [0, 1, 2] {
            let request = pb::ListRevisionsRequest {
                page_size,
                ..of(contact_id, code)
            };
            let found = tenant.revisions(request).await;
            assert_eq!(found, expected, "{contact_id:?} {code:?}");
        }
    }
    let (revisions, _) = tenant.revision_page(&of("C", "GIFT")).await;
    assert_eq!(revisions[0].change_count, 1, "only those that match");
    tenant.delete_group("GO", "", true).await.unwrap();
    assert_eq!(tenant.revisions(of("", "GO")).await, [9, 7, 6]);
}

#[tokio::test]
async fn a_page_looks_through_a_bounded_number_of_revisions() {
    let mut tenant = Tenant::new().await;
    tenant.group("FIRST").await;
    tenant.group("SECOND").await;
    let sql = Sql::connect(&Server::shared().await.database_url).await;
    let tenant_id = sql.tenant_id(&tenant.name).await;
    sql.run(&format!(
        "INSERT INTO revisions (tenant_id, revision, commit_time, request_id) \
         SELECT {tenant_id}, n, now(), 'r' FROM generate_series(3, 25000) n; \
         UPDATE clocks SET revision = 25000 WHERE tenant_id = {tenant_id}"
    ))
    .await;
    let mut request = of("", "FIRST");
    let (mut pages, mut found) = (0, Vec::new());
    loop {
        let (revisions, next) = tenant.revision_page(&request).await;
        found.extend(revisions.into_iter().map(|it| it.revision));
        request.page_token = next;
        pages += 1;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!((pages, &*found), (3, &[1][..]));
}

#[tokio::test]
async fn a_filter_that_is_not_well_formed_is_named() {
    let mut tenant = Tenant::new().await;
    for (request, field) in [
        (of("a b", ""), "contact_id"),
        (of("", "X-CARD"), "code"),
        (
            pb::ListRevisionsRequest {
                page_token: "x".into(),
                ..of("", "")
            },
            "page_token",
        ),
    ] {
        let status = tenant.groups.list_revisions(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(violations(&status), [field]);
    }
    assert_eq!(tenant.revisions(of("", "")).await, [0; 0]);
}
