//! Merging duplicate contacts.

use mailing_groups::pb;
use tonic::Code;

use crate::support::{Tenant, company, info, person, refused, unmet, violations};

#[tokio::test]
async fn memberships_of_both_contacts_are_merged() {
    let mut tenant = Tenant::new().await;
    for code in ["A", "B", "C"] {
        tenant.group(code).await;
    }
    tenant.create(person("KEPT", "")).await;
    tenant.create(person("GONE", "")).await;
    for (id, code) in [("KEPT", "A"), ("KEPT", "B"), ("GONE", "B"), ("GONE", "C")] {
        tenant.assign(id, code).await;
    }
    let merged = tenant.merge("KEPT", "GONE").await.unwrap();
    assert_eq!(
        (merged.moved_codes, merged.common_codes),
        (vec!["C".to_owned()], vec!["B".into()])
    );
    assert_eq!(
        (merged.moved_person_count, merged.company_taken_over),
        (0, false)
    );
    let contact = merged.contact.unwrap();
    assert_eq!(
        (
            contact.mailing_group_count,
            contact.revision,
            merged.revision
        ),
        (3, 10, 10)
    );
    assert_eq!(tenant.codes("KEPT").await, ["A", "B", "C"]);
    for code in ["A", "B", "C"] {
        assert_eq!(tenant.counts(code).await, (1, 0, 1), "{code}");
    }
    let gone = (Code::NotFound, "CONTACT_MERGED".to_owned());
    assert_eq!(refused(tenant.get_contact("GONE").await), gone);
    assert_eq!(refused(tenant.merge("KEPT", "GONE").await), gone);
    assert_eq!(refused(tenant.merge("GONE", "KEPT").await), gone);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn people_move_to_the_kept_company() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("KEPT")).await;
    tenant.create(company("GONE")).await;
    for (id, company_id) in [("P1", "GONE"), ("P2", "GONE"), ("P3", "KEPT"), ("P4", "")] {
        tenant.create(person(id, company_id)).await;
    }
    let merged = tenant.merge("KEPT", "GONE").await.unwrap();
    assert_eq!(merged.moved_person_count, 2);
    for (id, company_id) in [("P1", "KEPT"), ("P2", "KEPT"), ("P3", "KEPT"), ("P4", "")] {
        assert_eq!(
            tenant.get_contact(id).await.unwrap().company_id,
            company_id,
            "{id}"
        );
    }
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_kept_person_without_a_company_gets_the_company_of_the_merged_one() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    tenant.create(company("D")).await;
    for (kept, its, gone, others, after) in [
        ("K1", "", "G1", "C", "C"),
        ("K2", "D", "G2", "C", "D"),
        ("K3", "D", "G3", "", "D"),
        ("K4", "", "G4", "", ""),
    ] {
        tenant.create(person(kept, its)).await;
        tenant.create(person(gone, others)).await;
        let merged = tenant.merge(kept, gone).await.unwrap();
        assert_eq!(merged.company_taken_over, its != after, "{kept}");
        assert_eq!(merged.contact.unwrap().company_id, after, "{kept}");
    }
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn the_kept_contact_takes_over_what_it_lacks() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    let full = |id: &str| pb::Contact {
        exclude_from_segments: Some(true),
        privacy_blocked: Some(true),
        email: format!("{id}@example.com"),
        ..person(id, "C")
    };
    let all = [
        "company_id",
        "email",
        "exclude_from_segments",
        "privacy_blocked",
    ];
    for (kept, gone, taken_over) in [
        (person("K1", ""), full("G1"), &all[..]),
        (full("K2"), full("G2"), &[]),
        (full("K3"), person("G3", ""), &[]),
        (person("K4", ""), person("G4", ""), &[]),
        (person("K5", "C"), full("G5"), &all[1..]),
    ] {
        tenant.create(kept.clone()).await;
        tenant.create(gone.clone()).await;
        let before = tenant.get_contact(&kept.id).await.unwrap();
        let merged = tenant.merge(&kept.id, &gone.id).await.unwrap();
        assert_eq!(
            merged.fields_taken_over.unwrap().paths,
            taken_over,
            "{}",
            kept.id
        );
        let contact = merged.contact.unwrap();
        let source = |field| {
            if taken_over.contains(&field) {
                &gone
            } else {
                &kept
            }
        };
        assert_eq!(contact.name, kept.name);
        assert_eq!(contact.company_id, source("company_id").company_id);
        assert_eq!(contact.email, source("email").email);
        let excluded = [&kept, &gone].map(pb::Contact::exclude_from_segments);
        assert_eq!(contact.exclude_from_segments(), excluded != [false, false]);
        let blocked = [&kept, &gone].map(pb::Contact::privacy_blocked);
        assert_eq!(contact.privacy_blocked(), blocked != [false, false]);
        assert_eq!(before == contact, taken_over.is_empty());
    }
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn contacts_of_two_kinds_are_not_merged() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    tenant.create(person("P", "C")).await;
    for (kept, gone) in [("C", "P"), ("P", "C")] {
        let status = tenant.merge(kept, gone).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(info(&status).reason, "CONTACT_KINDS_DIFFER");
        assert_eq!(unmet(&status)[0].1, gone);
    }
    assert_eq!(tenant.get_contact("P").await.unwrap().company_id, "C");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_merge_with_itself_or_a_missing_contact_is_rejected() {
    let mut tenant = Tenant::new().await;
    tenant.create(person("P", "")).await;
    for (kept, gone, path) in [
        ("P", "P", "merged_id"),
        ("", "P", "kept_id"),
        ("P", "", "merged_id"),
    ] {
        let status = tenant.merge(kept, gone).await.unwrap_err();
        assert_eq!(violations(&status), [path]);
    }
    assert_eq!(refused(tenant.merge("P", "X").await).0, Code::NotFound);
    tenant.get_contact("P").await.unwrap();
}
