//! Filters of lists.

use mailing_groups::pb::{ContactKind, ListContactsRequest};
use tonic::Code;

use super::filled;
use crate::support::{refused, violations};

#[tokio::test]
async fn contacts_are_listed_by_id_with_all_filters() {
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
async fn names_are_searched_literally_whatever_their_case_width_and_accents() {
    let mut tenant = filled().await;
    for (name_contains, expected) in [
        ("ÉLAN", vec!["B", "C1", "a"]),
        ("elan", vec!["B", "C1", "a"]),
        ("E\u{301}L", vec!["B", "C1", "a"]),
        ("ｅｌａｎ＿", vec!["B"]),
        ("zoe", vec!["b"]),
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
async fn invalid_filters_are_rejected() {
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
