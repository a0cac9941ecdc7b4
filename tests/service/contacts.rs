//! Creating, changing and deleting contacts.

mod batches;
mod updates;

use mailing_groups::pb::{self, ContactKind};
use tonic::Code;

use crate::support::{Tenant, company, info, person, refused, resource, unmet, violations};

#[tokio::test]
async fn a_contact_is_stored_unchanged() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C-1")).await;
    let given = pb::Contact {
        name: "  Ada Lovelace ".into(),
        email: " ada@example.com".into(),
        exclude_from_segments: Some(true),
        privacy_blocked: Some(true),
        ..person("crm:42_a.B", "C-1")
    };
    let made = tenant.create_contact(given, "").await.unwrap();
    let contact = made.contact.unwrap();
    assert_eq!(
        (contact.id.as_str(), contact.name.as_str()),
        ("crm:42_a.B", "Ada Lovelace")
    );
    assert_eq!(
        (contact.company_id.as_str(), contact.email.as_str()),
        ("C-1", "ada@example.com")
    );
    assert!(contact.exclude_from_segments() && contact.privacy_blocked());
    assert_eq!(
        (contact.kind(), contact.mailing_group_count),
        (ContactKind::Person, 0)
    );
    assert_eq!((contact.revision, made.revision), (2, 2));
    assert_eq!(tenant.get_contact("crm:42_a.B").await.unwrap(), contact);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn ids_are_case_sensitive_and_unique() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("a1")).await;
    tenant.create(company("A1")).await;
    let status = tenant
        .create_contact(person("a1", ""), "")
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(info(&status).reason, "CONTACT_ALREADY_EXISTS");
    assert_eq!(
        resource(&status),
        ("mailinggroups.v1.Contact".into(), "a1".into())
    );
    assert_eq!(
        tenant.get_contact("a1").await.unwrap().kind(),
        ContactKind::Company
    );
}

#[tokio::test]
async fn blank_ids_get_the_next_free_number_of_the_series() {
    let mut tenant = Tenant::new().await;
    for taken in ["CT000002", "CT000003", "CT7", "ct000004"] {
        tenant.create(company(taken)).await;
    }
    for expected in ["CT000001", "CT000004", "CT000005"] {
        assert_eq!(tenant.create(company("")).await.id, expected);
    }
    // A number is used once, and a rejected contact uses none.
    tenant.delete_contact("CT000005", "", false).await.unwrap();
    let refusal = tenant.create_contact(person("", "nobody"), "").await;
    assert_eq!(refused(refusal).0, Code::NotFound);
    assert_eq!(tenant.create(company("")).await.id, "CT000006");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn the_series_skips_thousands_of_taken_ids() {
    let mut tenant = Tenant::new().await;
    let taken = (1..=2_500).map(|serial| company(&format!("CT{serial:06}")));
    tenant.import(taken.collect()).await;
    assert_eq!(tenant.create(company("")).await.id, "CT002501");
}

#[tokio::test]
async fn fields_that_break_a_rule_are_named_by_their_paths() {
    let mut tenant = Tenant::new().await;
    let good = || pb::Contact {
        email: "a@b".into(),
        ..person("P", "")
    };
    let long = |length: usize| "é".repeat(length);
    type Spoil = fn(&mut pb::Contact);
    let spoils: [(Spoil, &str); 11] = [
        (|c| c.id = "a b".into(), "contact.id"),
        (|c| c.id = "é".into(), "contact.id"),
        (|c| c.id = "x".repeat(65), "contact.id"),
        (|c| c.kind = 0, "contact.kind"),
        (|c| c.kind = 9, "contact.kind"),
        (|c| c.name = " ".into(), "contact.name"),
        (|c| c.name = "x".repeat(101), "contact.name"),
        (|c| c.name = "a\0b".into(), "contact.name"),
        (|c| c.company_id = "a/b".into(), "contact.company_id"),
        (|c| c.email = "ada".into(), "contact.email"),
        (
            |c| c.email = format!("{}@b", "x".repeat(253)),
            "contact.email",
        ),
    ];
    for (spoil, path) in spoils {
        let mut contact = good();
        spoil(&mut contact);
        let status = tenant.create_contact(contact, "").await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{path}");
        assert_eq!(violations(&status), [path]);
    }
    let all_wrong = pb::Contact {
        email: "x".into(),
        ..Default::default()
    };
    let status = tenant.create_contact(all_wrong, "").await.unwrap_err();
    assert_eq!(
        violations(&status),
        ["contact.kind", "contact.name", "contact.email"]
    );
    let longest = pb::Contact {
        id: "x".repeat(64),
        name: long(100),
        email: format!("{}@b", "x".repeat(252)),
        ..good()
    };
    assert_eq!(tenant.create(longest).await.name, long(100));
    let nothing = tenant
        .contacts
        .create_contact(pb::CreateContactRequest::default());
    assert_eq!(violations(&nothing.await.unwrap_err()), ["contact"]);
}

#[tokio::test]
async fn deleting_a_contact_deletes_its_memberships() {
    let mut tenant = Tenant::new().await;
    for code in ["MOVE", "GIFT"] {
        tenant.group(code).await;
        tenant.create(person(code, "")).await;
        tenant.assign(code, code).await;
        tenant.create(person(&format!("P-{code}"), "")).await;
    }
    tenant.assign("P-MOVE", "MOVE").await;
    tenant.assign("P-MOVE", "GIFT").await;
    let deleted = tenant.delete_contact("P-MOVE", "", false).await.unwrap();
    assert_eq!(
        (deleted.unassigned_count, deleted.detached_person_count),
        (2, 0)
    );
    assert_eq!(tenant.counts("MOVE").await, (1, 0, 1));
    assert_eq!(tenant.counts("GIFT").await, (1, 0, 1));
    let gone = (Code::NotFound, "CONTACT_NOT_FOUND".to_owned());
    assert_eq!(refused(tenant.try_assign("P-MOVE", "MOVE").await), gone);
    assert_eq!(
        refused(tenant.delete_contact("P-MOVE", "", true).await),
        gone
    );
    assert_eq!(
        tenant
            .create(person("P-MOVE", ""))
            .await
            .mailing_group_count,
        0
    );
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_company_with_people_is_deleted_only_with_force_and_its_people_are_kept() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("C")).await;
    for id in ["P1", "P2"] {
        tenant.create(person(id, "C")).await;
        tenant.assign(id, "MOVE").await;
    }
    let status = tenant.delete_contact("C", "", false).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(info(&status).metadata["count"], "2");
    let (kind, subject, description) = unmet(&status).remove(0);
    assert_eq!(
        (kind.as_str(), subject.as_str()),
        ("COMPANY_HAS_PERSONS", "C")
    );
    assert!(description.contains('2'), "{description}");
    let before = tenant.get_contact("P1").await.unwrap();
    let deleted = tenant.delete_contact("C", "", true).await.unwrap();
    assert_eq!(
        (deleted.unassigned_count, deleted.detached_person_count),
        (0, 2)
    );
    let after = tenant.get_contact("P1").await.unwrap();
    assert_eq!(
        (after.company_id.as_str(), after.mailing_group_count),
        ("", 1)
    );
    assert_ne!(before.etag, after.etag);
    assert_eq!(tenant.counts("MOVE").await, (2, 0, 2));
    tenant.assert_consistent().await;
}
