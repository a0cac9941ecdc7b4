//! What lists hold, in which order.

mod filters;
mod orders;

use mailing_groups::pb::{self, ContactKind};
use tonic::Code;

use crate::support::{Tenant, company, pairs, person, refused, violations};

/// Contacts whose ids are not in the order in which they were created, and three groups.
async fn filled() -> Tenant {
    let mut tenant = Tenant::new().await;
    for code in ["MOVE", "GIFT", "EMPTY"] {
        tenant.group(code).await;
    }
    let named = |name: &str, contact| pb::Contact {
        name: name.into(),
        ..contact
    };
    let contacts = vec![
        company("C2"),
        named("Élan SA", company("C1")),
        named("Zoë 100% O'Hara", person("b", "C1")),
        named("elan_vital", person("B", "C1")),
        named("e\u{301}lan \\ Söhne", person("a", "C2")),
        named("Straße ΟΔΟΣ", person("P:1", "")),
    ];
    tenant.import(contacts).await;
    let items = [("b", "MOVE"), ("C1", "MOVE"), ("B", "MOVE"), ("b", "GIFT")];
    tenant.batch_assign(pairs(&items), "").await.unwrap();
    tenant
}

#[tokio::test]
async fn groups_are_listed_by_code_and_found_by_prefix() {
    let mut tenant = Tenant::new().await;
    for code in ["É1", "B", "A2", "2017", "A1", "AB"] {
        tenant.group(code).await;
    }
    for (prefix, expected) in [
        ("", vec!["2017", "A1", "A2", "AB", "B", "É1"]),
        ("a", vec!["A1", "A2", "AB"]),
        (" Ab ", vec!["AB"]),
        ("e\u{301}", vec!["É1"]),
        ("e", vec!["É1"]),
        ("ａ１", vec!["A1"]),
        ("A1B", vec![]),
        ("%", vec![]),
        ("_", vec![]),
        ("A\\", vec![]),
        ("A-", vec![]),
        ("A12345678901234", vec![]),
    ] {
        let request = pb::ListMailingGroupsRequest {
            prefix: prefix.into(),
            ..Default::default()
        };
        let (codes, next) = tenant.group_page(&request).await.unwrap();
        assert_eq!(
            (codes, next.as_str()),
            (expected.into_iter().map(String::from).collect(), ""),
            "{prefix}"
        );
    }
    let nul = pb::ListMailingGroupsRequest {
        prefix: "A\0".into(),
        ..Default::default()
    };
    assert_eq!(
        violations(&tenant.group_page(&nul).await.unwrap_err()),
        ["prefix"]
    );
}

#[tokio::test]
async fn the_contacts_of_a_group_are_listed_by_id() {
    let mut tenant = filled().await;
    let of = |code: &str, kind: i32| pb::ListMailingGroupContactsRequest {
        code: code.into(),
        kind,
        ..Default::default()
    };
    for (request, expected) in [
        (of("move", 0), vec!["B", "C1", "b"]),
        (of("MOVE", ContactKind::Company.into()), vec!["C1"]),
        (of("MOVE", ContactKind::Person.into()), vec!["B", "b"]),
        (of("EMPTY", 0), vec![]),
    ] {
        assert_eq!(tenant.member_page(&request).await.unwrap().0, expected);
    }
    let unknown = (Code::NotFound, "MAILING_GROUP_NOT_FOUND".to_owned());
    assert_eq!(refused(tenant.member_page(&of("NONE", 0)).await), unknown);
    for (code, kind, path) in [("", 0, "code"), ("MOVE", 7, "kind")] {
        let status = tenant.member_page(&of(code, kind)).await.unwrap_err();
        assert_eq!(violations(&status), [path]);
    }
}

#[tokio::test]
async fn the_groups_of_a_contact_are_listed_by_code_page_by_page() {
    let mut tenant = filled().await;
    let mut request = pb::ListContactMailingGroupsRequest {
        contact_id: "b".into(),
        page_size: 1,
        ..Default::default()
    };
    let mut read = Vec::new();
    loop {
        let page = tenant.groups.list_contact_mailing_groups(request.clone());
        let page = page.await.unwrap().into_inner();
        assert_eq!(page.mailing_groups.len(), 1);
        read.extend(
            page.mailing_groups
                .into_iter()
                .map(|group| (group.code, group.contact_count)),
        );
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(read, [("GIFT".to_owned(), 1), ("MOVE".to_owned(), 3)]);
    request = pb::ListContactMailingGroupsRequest {
        contact_id: "X".into(),
        ..Default::default()
    };
    let unknown = tenant.groups.list_contact_mailing_groups(request).await;
    assert_eq!(
        refused(unknown),
        (Code::NotFound, "CONTACT_NOT_FOUND".into())
    );
}
