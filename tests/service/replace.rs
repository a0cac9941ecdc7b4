//! Replacing the groups of a contact.

use tonic::Code;

use crate::support::{Tenant, person, refused, violations};

/// A tenant with groups A to D and person P, who has A and B.
async fn filled() -> Tenant {
    let mut tenant = Tenant::new().await;
    for code in ["A", "B", "C", "D"] {
        tenant.group(code).await;
    }
    tenant.create(person("P", "")).await;
    tenant.assign("P", "A").await;
    tenant.assign("P", "B").await;
    tenant
}

#[tokio::test]
async fn a_contact_gets_exactly_the_given_groups() {
    let mut tenant = filled().await;
    let done = tenant
        .replace("P", &["d", " b", "C", "D"], "")
        .await
        .unwrap();
    assert_eq!(
        (done.added_codes, done.removed_codes),
        (vec!["C".into(), "D".into()], vec!["A".to_owned()])
    );
    let contact = done.contact.unwrap();
    assert_eq!(
        (contact.mailing_group_count, contact.revision, done.revision),
        (3, 8, 8)
    );
    assert_eq!(tenant.codes("P").await, ["B", "C", "D"]);
    assert_eq!(tenant.get_contact("P").await.unwrap(), contact);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_empty_list_removes_all_groups() {
    let mut tenant = filled().await;
    let done = tenant.replace("P", &[], "").await.unwrap();
    assert_eq!(done.removed_codes, ["A", "B"]);
    assert_eq!(tenant.codes("P").await, Vec::<String>::new());
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn identical_groups_change_nothing() {
    let mut tenant = filled().await;
    let before = tenant.get_contact("P").await.unwrap();
    let done = tenant.replace("P", &["B", "A", "a"], "").await.unwrap();
    assert_eq!(done.contact.unwrap(), before);
    assert_eq!(
        (
            done.added_codes.len(),
            done.removed_codes.len(),
            done.revision
        ),
        (0, 0, 7)
    );
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_unknown_code_changes_nothing() {
    let mut tenant = filled().await;
    let failure = refused(tenant.replace("P", &["C", "NONE"], "").await);
    assert_eq!(failure, (Code::NotFound, "MAILING_GROUP_NOT_FOUND".into()));
    assert_eq!(tenant.codes("P").await, ["A", "B"]);
    let failure = refused(tenant.replace("X", &["C"], "").await);
    assert_eq!(failure, (Code::NotFound, "CONTACT_NOT_FOUND".into()));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn fields_that_break_a_rule_are_named_with_their_place() {
    let mut tenant = filled().await;
    let status = tenant.replace("P", &["A", "X-CARD"], "").await.unwrap_err();
    assert_eq!(violations(&status), ["codes[1]"]);
    let status = tenant.replace("", &["A"], "").await.unwrap_err();
    assert_eq!(violations(&status), ["contact_id"]);
    let status = tenant.replace("P", &["A"; 10_001], "").await.unwrap_err();
    assert_eq!(violations(&status), ["codes"]);
    tenant.replace("P", &["A"; 10_000], "").await.unwrap();
    assert_eq!(tenant.codes("P").await, ["A"]);
}

#[tokio::test]
async fn a_stale_etag_changes_nothing() {
    let mut tenant = filled().await;
    let etag = tenant.get_contact("P").await.unwrap().etag;
    let done = tenant.replace("P", &["C"], &etag).await.unwrap();
    let failure = refused(tenant.replace("P", &["D"], &etag).await);
    assert_eq!(failure, (Code::Aborted, "ETAG_MISMATCH".into()));
    assert_eq!(tenant.codes("P").await, ["C"]);
    tenant
        .replace("P", &["D"], &done.contact.unwrap().etag)
        .await
        .unwrap();
    assert_eq!(tenant.codes("P").await, ["D"]);
}
