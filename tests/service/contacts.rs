//! Creating, changing and deleting contacts.

use mailing_groups::pb::{self, ContactKind};
use tonic::Code;

use crate::support::{Tenant, company, info, mask, person, refused, resource, unmet, violations};

#[tokio::test]
async fn a_contact_is_stored_as_it_was_given() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C-1")).await;
    let given = pb::Contact {
        name: "  Ada Lovelace ".into(),
        email: " ada@example.com".into(),
        exclude_from_segments: true,
        privacy_blocked: true,
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
    assert!(contact.exclude_from_segments && contact.privacy_blocked);
    assert_eq!(
        (contact.kind(), contact.mailing_group_count),
        (ContactKind::Person, 0)
    );
    assert_eq!((contact.revision, made.revision), (2, 2));
    assert_eq!(tenant.get_contact("crm:42_a.B").await.unwrap(), contact);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn ids_are_case_sensitive_and_taken_once() {
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
async fn blank_ids_are_taken_from_the_series_that_skips_what_is_taken() {
    let mut tenant = Tenant::new().await;
    for taken in ["CT000002", "CT000003", "CT7", "ct000004"] {
        tenant.create(company(taken)).await;
    }
    for expected in ["CT000001", "CT000004", "CT000005"] {
        assert_eq!(tenant.create(company("")).await.id, expected);
    }
    // A number is not given out twice, and a refused contact takes none.
    tenant.delete_contact("CT000005", "", false).await.unwrap();
    let refusal = tenant.create_contact(person("", "nobody"), "").await;
    assert_eq!(refused(refusal).0, Code::NotFound);
    assert_eq!(tenant.create(company("")).await.id, "CT000006");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_series_behind_thousands_of_taken_ids_goes_on_after_them() {
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
async fn an_update_changes_what_the_mask_names() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    let whole = pb::Contact {
        email: "p@example.com".into(),
        privacy_blocked: true,
        ..person("P", "C")
    };
    tenant.create(whole.clone()).await;
    let sent = pb::Contact {
        name: "New".into(),
        ..person("P", "")
    };
    let only = |name: &str| pb::Contact {
        name: name.into(),
        ..Default::default()
    };
    let unmasked = tenant.update_contact(
        pb::Contact {
            id: "P".into(),
            ..only("One")
        },
        None,
    );
    let contact = unmasked.await.unwrap().contact.unwrap();
    assert_eq!(
        (contact.name.as_str(), contact.company_id.as_str()),
        ("One", "C")
    );
    assert!(contact.privacy_blocked, "what is not set stays");
    let masked = tenant.update_contact(sent.clone(), mask(&["email", "privacy_blocked"]));
    let contact = masked.await.unwrap().contact.unwrap();
    assert_eq!(
        (contact.name.as_str(), contact.company_id.as_str()),
        ("One", "C")
    );
    assert_eq!(
        (contact.email.as_str(), contact.privacy_blocked),
        ("", false)
    );
    let all = tenant.update_contact(sent, mask(&["*"])).await.unwrap();
    let contact = all.contact.unwrap();
    assert_eq!(
        (contact.name.as_str(), contact.company_id.as_str()),
        ("New", "")
    );
    assert_eq!((contact.revision, all.revision), (5, 5));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_update_that_changes_nothing_makes_no_revision() {
    let mut tenant = Tenant::new().await;
    let contact = tenant.create(person("P", "")).await;
    tenant.group("G").await;
    let same = tenant
        .update_contact(contact.clone(), mask(&["*"]))
        .await
        .unwrap();
    assert_eq!((same.revision, same.contact.unwrap()), (2, contact));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_mask_that_names_another_field_is_refused() {
    let mut tenant = Tenant::new().await;
    tenant.create(person("P", "")).await;
    for path in [
        "id",
        "etag",
        "mailing_group_count",
        "contact.name",
        "nonsense",
    ] {
        let status = tenant
            .update_contact(person("P", ""), mask(&[path]))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), violations(&status)),
            (Code::InvalidArgument, vec!["update_mask".into()])
        );
    }
    let blank = pb::Contact {
        name: String::new(),
        ..person("P", "")
    };
    let status = tenant
        .update_contact(blank, mask(&["name"]))
        .await
        .unwrap_err();
    assert_eq!(violations(&status), ["contact.name"]);
}

#[tokio::test]
async fn an_etag_changes_with_the_contact_and_with_its_groups() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    let mut etags = vec![tenant.create(person("P", "")).await.etag];
    tenant.assign("P", "MOVE").await;
    etags.push(tenant.get_contact("P").await.unwrap().etag);
    tenant.assign("P", "MOVE").await;
    assert_eq!(
        tenant.get_contact("P").await.unwrap().etag,
        etags[1],
        "nothing changed"
    );
    tenant.unassign("P", "MOVE").await.unwrap();
    etags.push(tenant.get_contact("P").await.unwrap().etag);
    let stale = (Code::Aborted, "ETAG_MISMATCH".to_owned());
    for old in &etags[..2] {
        let update = pb::Contact {
            etag: old.clone(),
            ..person("P", "")
        };
        assert_eq!(refused(tenant.update_contact(update, None).await), stale);
        assert_eq!(refused(tenant.delete_contact("P", old, true).await), stale);
        assert_eq!(refused(tenant.replace("P", &["MOVE"], old).await), stale);
    }
    tenant.delete_contact("P", &etags[2], false).await.unwrap();
    assert_eq!(
        refused(tenant.get_contact("P").await),
        (Code::NotFound, "CONTACT_NOT_FOUND".into())
    );
}

#[tokio::test]
async fn allow_missing_creates_what_is_missing_and_only_that() {
    let mut tenant = Tenant::new().await;
    let missing = tenant.update_contact(person("P", ""), None).await;
    assert_eq!(
        refused(missing),
        (Code::NotFound, "CONTACT_NOT_FOUND".into())
    );
    let made = tenant.put_contact(person("P", "")).await.unwrap();
    assert_eq!((made.revision, made.contact.unwrap().id.as_str()), (1, "P"));
    let update = pb::Contact {
        id: "P".into(),
        name: "Q".into(),
        ..Default::default()
    };
    let changed = tenant
        .put_contact(update.clone())
        .await
        .unwrap()
        .contact
        .unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.kind()),
        ("Q", ContactKind::Person)
    );
    let nameless = pb::Contact {
        id: "R".into(),
        name: String::new(),
        ..person("R", "")
    };
    let status = tenant.put_contact(nameless).await.unwrap_err();
    assert_eq!(violations(&status), ["contact.name"]);
    let seen = pb::Contact {
        etag: changed.etag,
        ..person("GONE", "")
    };
    assert_eq!(
        refused(tenant.put_contact(seen).await).0,
        Code::Aborted,
        "it is not created anew"
    );
    let blank = tenant.put_contact(person("", "")).await.unwrap_err();
    assert_eq!(violations(&blank), ["contact.id"]);
}

#[tokio::test]
async fn a_deleted_contact_takes_its_memberships_along() {
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
async fn a_company_with_people_is_deleted_by_force_only_and_its_people_stay() {
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
        ("COMPANY_HAS_PEOPLE", "C")
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
