//! Assigning groups in batches.

use mailing_groups::pb::{self, AssignmentOutcome::*};
use tonic::Code;

use crate::support::{Tenant, company, pairs, person, violations};

fn outcomes(results: &[pb::AssignmentResult]) -> Vec<pb::AssignmentOutcome> {
    results.iter().map(pb::AssignmentResult::outcome).collect()
}

/// A tenant with groups MOVE and GIFT, company A and person P.
async fn filled() -> Tenant {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.group("GIFT").await;
    tenant.create(company("A")).await;
    tenant.create(person("P", "A")).await;
    tenant
}

#[tokio::test]
async fn a_batch_returns_an_outcome_per_item() {
    let mut tenant = filled().await;
    tenant.assign("A", "GIFT").await;
    let items = pairs(&[
        ("A", "MOVE"),
        ("A", "GIFT"),
        ("X", "MOVE"),
        ("A", "NONE"),
        ("", "MOVE"),
        ("A", "X-CARD"),
        ("P", " move "),
        ("A", "Move"),
        ("X", "NONE"),
    ]);
    let expected = [
        Changed,
        Unchanged,
        UnknownContact,
        UnknownGroup,
        Invalid,
        Invalid,
        Changed,
        Unchanged,
        UnknownContact,
    ];
    let done = tenant.batch_assign(items.clone(), "").await.unwrap();
    assert_eq!(outcomes(&done.results), expected);
    assert_eq!((done.changed_count, done.revision), (2, 6));
    for (result, outcome) in done.results.iter().zip(expected) {
        let fine = matches!(outcome, Changed | Unchanged);
        assert_eq!(result.message.is_empty(), fine, "{result:?}");
    }
    assert!(
        done.results[4].message.contains("contact_id"),
        "{:?}",
        done.results[4]
    );
    assert!(
        done.results[5].message.contains("code"),
        "{:?}",
        done.results[5]
    );
    assert_eq!(tenant.counts("MOVE").await, (2, 1, 1));
    let again = tenant.batch_assign(items.clone(), "").await.unwrap();
    assert_eq!((again.changed_count, again.revision), (0, 6));
    let taken = tenant.batch_unassign(items, "").await.unwrap();
    let expected = [
        Changed,
        Changed,
        UnknownContact,
        UnknownGroup,
        Invalid,
        Invalid,
        Changed,
        Unchanged,
        UnknownContact,
    ];
    assert_eq!(outcomes(&taken.results), expected);
    assert_eq!((taken.changed_count, taken.revision), (3, 7));
    assert_eq!(tenant.counts("MOVE").await, (0, 0, 0));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_empty_batch_returns_no_outcomes() {
    let mut tenant = filled().await;
    let done = tenant.batch_assign(Vec::new(), "").await.unwrap();
    assert_eq!(
        (done.results.len(), done.changed_count, done.revision),
        (0, 0, 4)
    );
    let done = tenant.batch_unassign(pairs(&[("", "")]), "").await.unwrap();
    assert_eq!((outcomes(&done.results), done.revision), (vec![Invalid], 4));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn ten_thousand_items_are_one_revision_and_one_more_is_rejected() {
    let mut tenant = filled().await;
    let ids: Vec<String> = (0..5_000).map(|n| format!("P{n:05}")).collect();
    tenant
        .import(ids.iter().map(|id| person(id, "A")).collect())
        .await;
    let mut items: Vec<(&str, &str)> = Vec::new();
    for id in &ids {
        items.extend([(id.as_str(), "MOVE"), (id.as_str(), "GIFT")]);
    }
    let done = tenant.batch_assign(pairs(&items), "").await.unwrap();
    assert_eq!(
        (done.results.len(), done.changed_count, done.revision),
        (10_000, 10_000, 6)
    );
    assert_eq!(tenant.counts("GIFT").await, (5_000, 0, 5_000));
    tenant.assert_consistent().await;
    items.push(("A", "MOVE"));
    for status in [
        tenant.batch_assign(pairs(&items), "").await.unwrap_err(),
        tenant.batch_unassign(pairs(&items), "").await.unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(violations(&status), ["assignments"]);
        assert!(status.message().contains("10000"), "{}", status.message());
    }
    items.pop();
    let taken = tenant.batch_unassign(pairs(&items), "").await.unwrap();
    assert_eq!((taken.changed_count, taken.revision), (10_000, 7));
    assert_eq!(tenant.counts("MOVE").await, (0, 0, 0));
    tenant.assert_consistent().await;
}
