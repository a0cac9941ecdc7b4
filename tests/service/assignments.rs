//! Assigning groups one by one.

use tonic::Code;

use crate::support::{Tenant, company, info, person, refused, resource, violations};

#[tokio::test]
async fn assigning_is_idempotent_and_logged_once() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let first = tenant.assign("A", " move ").await;
    assert_eq!((first.was_assigned, first.revision), (false, 3));
    let membership = first.membership.unwrap();
    assert_eq!(
        (membership.contact_id.as_str(), membership.code.as_str()),
        ("A", "MOVE")
    );
    assert_eq!(membership.revision, 3);
    tenant.group("GIFT").await;
    let again = tenant.assign("A", "MOVE").await;
    assert_eq!((again.was_assigned, again.revision), (true, 4));
    assert_eq!(again.membership.unwrap(), membership);
    assert_eq!(tenant.counts("MOVE").await, (1, 1, 0));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn unassigning_is_idempotent_and_logged_once() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let nothing = tenant.unassign("A", "MOVE").await.unwrap();
    assert_eq!((nothing.was_assigned, nothing.revision), (false, 2));
    tenant.assign("A", "MOVE").await;
    let taken = tenant.unassign("A", "move").await.unwrap();
    assert_eq!((taken.was_assigned, taken.revision), (true, 4));
    let again = tenant.unassign("A", "MOVE").await.unwrap();
    assert_eq!((again.was_assigned, again.revision), (false, 4));
    assert_eq!(tenant.counts("MOVE").await, (0, 0, 0));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn companies_and_persons_are_assigned_alike_and_counted_separately() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.group("GIFT").await;
    tenant.create(company("A")).await;
    tenant.create(person("C", "A")).await;
    tenant.create(person("B", "")).await;
    for id in ["A", "B", "C"] {
        tenant.assign(id, "MOVE").await;
    }
    tenant.assign("C", "GIFT").await;
    assert_eq!(tenant.counts("MOVE").await, (3, 1, 2));
    assert_eq!(tenant.counts("GIFT").await, (1, 0, 1));
    for (id, count) in [("A", 1), ("B", 1), ("C", 2)] {
        assert_eq!(
            tenant.get_contact(id).await.unwrap().mailing_group_count,
            count
        );
    }
    assert_eq!(tenant.codes("C").await, ["GIFT", "MOVE"]);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_unknown_contact_or_group_is_named_and_nothing_is_stored() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    for (id, code, reason, name) in [
        ("X", "MOVE", "CONTACT_NOT_FOUND", "X"),
        ("A", "GIFT", "MAILING_GROUP_NOT_FOUND", "GIFT"),
        ("a", "MOVE", "CONTACT_NOT_FOUND", "a"),
    ] {
        for status in [
            tenant.try_assign(id, code).await.unwrap_err(),
            tenant.unassign(id, code).await.unwrap_err(),
        ] {
            assert_eq!(
                (status.code(), info(&status).reason.as_str()),
                (Code::NotFound, reason)
            );
            assert_eq!(resource(&status).1, name);
        }
    }
    assert_eq!(
        tenant.assign("A", "MOVE").await.revision,
        3,
        "refusals make no revision"
    );
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn fields_that_break_a_rule_are_named() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    for (id, code, path) in [
        ("", "MOVE", "contact_id"),
        ("a b", "MOVE", "contact_id"),
        ("A", "", "code"),
        ("A", "X-CARD", "code"),
    ] {
        let status = tenant.try_assign(id, code).await.unwrap_err();
        assert_eq!(violations(&status), [path], "{id:?} {code:?}");
        let outcome = refused(tenant.unassign(id, code).await);
        assert_eq!(outcome, (Code::InvalidArgument, "INVALID_FIELD".into()));
    }
}
