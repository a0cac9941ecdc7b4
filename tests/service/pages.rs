//! Pages of lists, and the tokens that lead from one to the next.

use std::collections::BTreeSet;

use mailing_groups::pb::{self, ListContactsRequest};
use tonic::Code;

use crate::support::{Tenant, new_group, person, violations};

/// Persons P000 and so on.
async fn with_people(count: usize) -> (Tenant, Vec<String>) {
    let mut tenant = Tenant::new().await;
    let ids: Vec<String> = (0..count).map(|n| format!("P{n:04}")).collect();
    tenant
        .import(ids.iter().map(|id| person(id, "")).collect())
        .await;
    (tenant, ids)
}

fn of_size(page_size: i32) -> ListContactsRequest {
    ListContactsRequest {
        page_size,
        ..Default::default()
    }
}

#[tokio::test]
async fn pages_have_50_entries_by_default_and_1000_at_most() {
    let (mut tenant, ids) = with_people(1_001).await;
    for (page_size, length) in [
        (0, 50),
        (1, 1),
        (1_000, 1_000),
        (1_001, 1_000),
        (i32::MAX, 1_000),
    ] {
        let (page, next) = tenant.contact_page(&of_size(page_size)).await.unwrap();
        assert_eq!(
            (page.len(), next.is_empty()),
            (length, false),
            "{page_size}"
        );
    }
    for page_size in [7, 77, 1_000] {
        assert_eq!(tenant.contact_ids(of_size(page_size)).await, ids);
    }
    for page_size in [-1, i32::MIN] {
        let status = tenant.contact_page(&of_size(page_size)).await.unwrap_err();
        assert_eq!(violations(&status), ["page_size"]);
        let request = pb::ListMailingGroupsRequest {
            page_size,
            ..Default::default()
        };
        let status = tenant.group_page(&request).await.unwrap_err();
        assert_eq!(violations(&status), ["page_size"]);
    }
}

#[tokio::test]
async fn a_full_last_page_has_no_token() {
    let (mut tenant, ids) = with_people(6).await;
    let (first, next) = tenant.contact_page(&of_size(3)).await.unwrap();
    let request = ListContactsRequest {
        page_token: next,
        ..of_size(3)
    };
    let (second, last) = tenant.contact_page(&request).await.unwrap();
    assert_eq!(([first, second].concat(), last.as_str()), (ids, ""));
}

#[tokio::test]
async fn a_token_is_bound_to_all_arguments_except_the_page_size() {
    let (mut tenant, ids) = with_people(10).await;
    tenant.group("MOVE").await;
    let (_, token) = tenant.contact_page(&of_size(4)).await.unwrap();
    let with = |request: ListContactsRequest| ListContactsRequest {
        page_token: token.clone(),
        ..request
    };
    let (rest, _) = tenant.contact_page(&with(of_size(100))).await.unwrap();
    assert_eq!(rest, ids[4..]);
    let list = ListContactsRequest::default;
    for other in [
        ListContactsRequest {
            prefix: "P".into(),
            ..list()
        },
        ListContactsRequest { kind: 2, ..list() },
        ListContactsRequest {
            code: "MOVE".into(),
            ..list()
        },
        ListContactsRequest {
            company_id: "P0000".into(),
            ..list()
        },
        ListContactsRequest {
            name_contains: "P".into(),
            ..list()
        },
    ] {
        let status = tenant.contact_page(&with(other)).await.unwrap_err();
        assert_eq!(
            (status.code(), violations(&status)),
            (Code::InvalidArgument, vec!["page_token".into()])
        );
    }
    let groups = pb::ListMailingGroupsRequest {
        page_token: token.clone(),
        ..Default::default()
    };
    let status = tenant.group_page(&groups).await.unwrap_err();
    assert_eq!(
        violations(&status),
        ["page_token"],
        "a token of another list"
    );
    let (mut other, _) = with_people(10).await;
    let status = other.contact_page(&with(list())).await.unwrap_err();
    assert_eq!(
        violations(&status),
        ["page_token"],
        "a token of another tenant"
    );
}

#[tokio::test]
async fn a_token_with_one_wrong_character_is_rejected() {
    let (mut tenant, _) = with_people(3).await;
    let (_, token) = tenant.contact_page(&of_size(1)).await.unwrap();
    let mut damaged: Vec<String> = (0..token.len())
        .map(|at| {
            let other = if &token[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &token[..at], &token[at + 1..])
        })
        .collect();
    damaged.extend([
        format!("{token}A"),
        token[1..].into(),
        token[..token.len() - 1].into(),
    ]);
    damaged.extend(["x".into(), "é".into(), "=".into(), "A".repeat(100_000)]);
    for page_token in damaged {
        let request = ListContactsRequest {
            page_token: page_token.clone(),
            ..of_size(1)
        };
        let status = tenant.contact_page(&request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{page_token:.80}");
        assert_eq!(violations(&status), ["page_token"]);
    }
}

#[tokio::test]
async fn the_tokens_of_every_list_are_bound_to_their_arguments() {
    let (mut tenant, ids) = with_people(3).await;
    for code in ["A", "B", "C"] {
        tenant.group(code).await;
        for id in &ids {
            tenant.assign(id, code).await;
        }
    }
    let (codes, page_token) = tenant
        .group_page(&pb::ListMailingGroupsRequest {
            page_size: 2,
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(codes, ["A", "B"]);
    let other = pb::ListMailingGroupsRequest {
        page_token,
        prefix: "C".into(),
        ..Default::default()
    };
    assert_eq!(
        violations(&tenant.group_page(&other).await.unwrap_err()),
        ["page_token"]
    );
    let of = |code: &str, page_token| pb::ListMailingGroupContactsRequest {
        code: code.into(),
        page_size: 2,
        page_token,
        ..Default::default()
    };
    let (_, token) = tenant.member_page(&of("A", String::new())).await.unwrap();
    let (rest, next) = tenant.member_page(&of("A", token.clone())).await.unwrap();
    assert_eq!((rest, next.as_str()), (ids[2..].to_vec(), ""));
    let status = tenant.member_page(&of("B", token)).await.unwrap_err();
    assert_eq!(violations(&status), ["page_token"]);
}

/// Between pages half of the contacts read are deleted, including that of the token, and others
/// are created before and after it: each contact that exists throughout is listed exactly once.
#[tokio::test]
async fn a_list_is_stable_under_concurrent_writes() {
    let (mut tenant, ids) = with_people(60).await;
    let mut request = of_size(7);
    let mut read: Vec<String> = Vec::new();
    let mut deleted = BTreeSet::new();
    for round in 0.. {
        let (page, next) = tenant.contact_page(&request).await.unwrap();
        for id in page.iter().rev().step_by(2).filter(|id| !id.contains('-')) {
            tenant.delete_contact(id, "", false).await.unwrap();
            deleted.insert(id.clone());
        }
        read.extend(page);
        tenant.create(person(&format!("O-{round}"), "")).await;
        tenant.create(person(&format!("P0059-{round}"), "")).await;
        if next.is_empty() {
            break;
        }
        request.page_token = next;
    }
    let unique: BTreeSet<_> = read.iter().cloned().collect();
    assert_eq!(unique.len(), read.len(), "none twice");
    assert!(read.is_sorted());
    assert!(
        ids.iter().all(|id| unique.contains(id)),
        "all that were there"
    );
    assert!(
        !read.iter().any(|id| id.starts_with('O')),
        "those before the place stay behind"
    );
    assert!(deleted.len() > 20 && read.len() > ids.len());
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_list_of_groups_continues_after_a_rename_of_its_last_group() {
    let mut tenant = Tenant::new().await;
    for code in ["A", "B", "C", "D"] {
        tenant.create_group(new_group(code, ""), "").await.unwrap();
    }
    let first = pb::ListMailingGroupsRequest {
        page_size: 2,
        ..Default::default()
    };
    let (_, page_token) = tenant.group_page(&first).await.unwrap();
    tenant.rename("B", "Z", "").await.unwrap();
    let second = pb::ListMailingGroupsRequest {
        page_token,
        ..first
    };
    let (codes, _) = tenant.group_page(&second).await.unwrap();
    assert_eq!(codes, ["C", "D"]);
}
