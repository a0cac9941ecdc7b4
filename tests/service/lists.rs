//! What lists hold, in which order.

use mailing_groups::pb::{self, ContactKind, ListContactsRequest};
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
async fn contacts_are_listed_by_id_and_all_filters_hold() {
    let mut tenant = filled().await;
    let list = ListContactsRequest::default;
    let company_kind = ContactKind::Company.into();
    for (request, expected) in [
        (list(), vec!["B", "C1", "C2", "P:1", "a", "b"]),
        (
            ListContactsRequest {
                prefix: "C".into(),
                ..list()
            },
            vec!["C1", "C2"],
        ),
        (
            ListContactsRequest {
                prefix: "P:".into(),
                ..list()
            },
            vec!["P:1"],
        ),
        (
            ListContactsRequest {
                prefix: "c".into(),
                ..list()
            },
            vec![],
        ),
        (
            ListContactsRequest {
                prefix: "_".into(),
                ..list()
            },
            vec![],
        ),
        (
            ListContactsRequest {
                prefix: "%".into(),
                ..list()
            },
            vec![],
        ),
        (
            ListContactsRequest {
                prefix: "é".into(),
                ..list()
            },
            vec![],
        ),
        (
            ListContactsRequest {
                kind: company_kind,
                ..list()
            },
            vec!["C1", "C2"],
        ),
        (
            ListContactsRequest {
                company_id: "C1".into(),
                ..list()
            },
            vec!["B", "b"],
        ),
        (
            ListContactsRequest {
                company_id: "a".into(),
                ..list()
            },
            vec![],
        ),
        (
            ListContactsRequest {
                code: " move".into(),
                ..list()
            },
            vec!["B", "C1", "b"],
        ),
        (
            ListContactsRequest {
                code: "EMPTY".into(),
                ..list()
            },
            vec![],
        ),
        (
            ListContactsRequest {
                code: "MOVE".into(),
                company_id: "C1".into(),
                ..list()
            },
            vec!["B", "b"],
        ),
        (
            ListContactsRequest {
                code: "MOVE".into(),
                kind: company_kind,
                prefix: "C".into(),
                ..list()
            },
            vec!["C1"],
        ),
        (
            ListContactsRequest {
                company_id: "C1".into(),
                name_contains: "zoë".into(),
                ..list()
            },
            vec!["b"],
        ),
    ] {
        assert_eq!(
            tenant.contact_ids(request.clone()).await,
            expected,
            "{request:?}"
        );
    }
}

#[tokio::test]
async fn names_are_searched_in_any_case_and_composition_and_without_wildcards() {
    let mut tenant = filled().await;
    for (name_contains, expected) in [
        ("ÉLAN", vec!["C1", "a"]),
        ("élan", vec!["C1", "a"]),
        ("E\u{301}L", vec!["C1", "a"]),
        ("elan", vec!["B"]),
        ("É", vec!["C1", "a"]),
        ("söhne", vec!["a"]),
        ("100%", vec!["b"]),
        ("0% o", vec!["b"]),
        ("%", vec!["b"]),
        ("_", vec!["B"]),
        ("n_v", vec!["B"]),
        ("\\", vec!["a"]),
        ("\\ S", vec!["a"]),
        ("o'h", vec!["b"]),
        ("STRASSE", vec!["P:1"]),
        ("οδος", vec!["P:1"]),
        ("Company C2", vec!["C2"]),
        ("nothing", vec![]),
    ] {
        let request = ListContactsRequest {
            name_contains: name_contains.into(),
            ..Default::default()
        };
        assert_eq!(
            tenant.contact_ids(request).await,
            expected,
            "{name_contains}"
        );
    }
    for name_contains in ["a\0b", &"x".repeat(101)] {
        let request = ListContactsRequest {
            name_contains: name_contains.into(),
            ..Default::default()
        };
        let status = tenant.contact_page(&request).await.unwrap_err();
        assert_eq!(violations(&status), ["name_contains"]);
    }
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

#[tokio::test]
async fn filters_that_name_nothing_or_break_a_rule_are_refused() {
    let mut tenant = filled().await;
    let list = ListContactsRequest::default;
    for (request, reason) in [
        (
            ListContactsRequest {
                company_id: "X".into(),
                ..list()
            },
            "CONTACT_NOT_FOUND",
        ),
        (
            ListContactsRequest {
                code: "NONE".into(),
                ..list()
            },
            "MAILING_GROUP_NOT_FOUND",
        ),
    ] {
        assert_eq!(
            refused(tenant.contact_page(&request).await),
            (Code::NotFound, reason.into())
        );
    }
    for (request, path) in [
        (ListContactsRequest { kind: 3, ..list() }, "kind"),
        (
            ListContactsRequest {
                company_id: "a b".into(),
                ..list()
            },
            "company_id",
        ),
        (
            ListContactsRequest {
                code: "X-CARD".into(),
                ..list()
            },
            "code",
        ),
        (
            ListContactsRequest {
                prefix: "\0".into(),
                ..list()
            },
            "prefix",
        ),
        (
            ListContactsRequest {
                page_size: -1,
                ..list()
            },
            "page_size",
        ),
    ] {
        let status = tenant.contact_page(&request).await.unwrap_err();
        assert_eq!(
            (status.code(), violations(&status)),
            (Code::InvalidArgument, vec![path.into()])
        );
    }
}
