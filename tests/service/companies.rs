//! Companies and their people.

use mailing_groups::pb::{self, ContactKind};
use tonic::Code;

use crate::support::{Tenant, company, info, mask, person, refused, unmet, violations};

fn of_kind(id: &str, kind: ContactKind) -> pb::Contact {
    pb::Contact {
        id: id.into(),
        kind: kind.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_person_can_only_refer_to_an_existing_company() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    tenant.create(person("P", "C")).await;
    let status = tenant
        .create_contact(person("Q", "NOBODY"), "")
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(info(&status).reason, "CONTACT_NOT_FOUND");
    assert_eq!(violations(&status), ["contact.company_id"]);
    for (id, company_id) in [("Q", "P"), ("Q", "Q"), ("P", "P")] {
        let contact = person(id, company_id);
        let outcome = match id {
            "Q" => tenant.create_contact(contact, "").await.err(),
            _ => tenant
                .update_contact(contact, mask(&["company_id"]))
                .await
                .err(),
        };
        let status = outcome.unwrap();
        assert!(
            matches!(status.code(), Code::InvalidArgument | Code::NotFound),
            "{status:?}"
        );
        assert_eq!(
            violations(&status),
            ["contact.company_id"],
            "{id} of {company_id}"
        );
    }
    assert_eq!(tenant.get_contact("P").await.unwrap().company_id, "C");
}

#[tokio::test]
async fn a_company_has_no_company() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    let daughter = pb::Contact {
        company_id: "C".into(),
        ..company("D")
    };
    let status = tenant.create_contact(daughter, "").await.unwrap_err();
    assert_eq!(
        (status.code(), violations(&status)),
        (Code::InvalidArgument, vec!["contact.company_id".into()])
    );
    tenant.create(person("P", "C")).await;
    let promoted = of_kind("P", ContactKind::Company);
    let status = tenant
        .update_contact(promoted.clone(), None)
        .await
        .unwrap_err();
    assert_eq!(
        violations(&status),
        ["contact.company_id"],
        "it still has one"
    );
    let freed = tenant
        .update_contact(promoted, mask(&["kind", "company_id"]))
        .await
        .unwrap();
    assert_eq!(freed.contact.unwrap().kind(), ContactKind::Company);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_company_with_people_cannot_become_a_person() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    tenant.create(person("P", "C")).await;
    let status = tenant
        .update_contact(of_kind("C", ContactKind::Person), None)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(info(&status).metadata["count"], "1");
    assert_eq!(unmet(&status)[0].1, "C");
    assert_eq!(
        tenant.get_contact("C").await.unwrap().kind(),
        ContactKind::Company
    );
    tenant
        .update_contact(person("P", ""), mask(&["company_id"]))
        .await
        .unwrap();
    let demoted = tenant
        .update_contact(of_kind("C", ContactKind::Person), None)
        .await
        .unwrap();
    assert_eq!(demoted.contact.unwrap().kind(), ContactKind::Person);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_change_of_kind_moves_the_contact_from_one_counter_to_the_other() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    for code in ["MOVE", "GIFT", "OTHER"] {
        tenant.group(code).await;
    }
    tenant.assign("C", "MOVE").await;
    tenant.assign("C", "GIFT").await;
    let before = tenant.get_group("MOVE").await.unwrap();
    assert_eq!(tenant.counts("MOVE").await, (1, 1, 0));
    tenant
        .update_contact(of_kind("C", ContactKind::Person), None)
        .await
        .unwrap();
    for code in ["MOVE", "GIFT"] {
        assert_eq!(tenant.counts(code).await, (1, 0, 1), "{code}");
    }
    assert_eq!(tenant.counts("OTHER").await, (0, 0, 0));
    assert_eq!(tenant.get_group("MOVE").await.unwrap().etag, before.etag);
    tenant
        .update_contact(of_kind("C", ContactKind::Company), None)
        .await
        .unwrap();
    assert_eq!(tenant.counts("MOVE").await, (1, 1, 0));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn nothing_is_inherited_from_a_company() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("C")).await;
    tenant.create(person("JOINED", "")).await;
    tenant.create(person("THERE", "C")).await;
    tenant.assign("C", "MOVE").await;
    tenant.create(person("NEW", "C")).await;
    tenant
        .update_contact(person("JOINED", "C"), mask(&["company_id"]))
        .await
        .unwrap();
    for id in ["JOINED", "THERE", "NEW"] {
        assert_eq!(tenant.codes(id).await, Vec::<String>::new(), "{id}");
    }
    assert_eq!(tenant.counts("MOVE").await, (1, 1, 0));
    let other = refused(tenant.create_contact(person("X", "c"), "").await);
    assert_eq!(other.0, Code::NotFound, "ids are case-sensitive");
}
