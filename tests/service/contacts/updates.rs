//! Updates of contacts.

use mailing_groups::pb::{self, ContactKind};
use tonic::Code;

use crate::support::{Tenant, company, mask, person, refused, violations};

#[tokio::test]
async fn an_update_changes_only_the_fields_in_the_mask() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    let whole = pb::Contact {
        email: "p@example.com".into(),
        privacy_blocked: Some(true),
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
    assert!(contact.privacy_blocked(), "what is not set stays");
    let masked = tenant.update_contact(sent.clone(), mask(&["email", "privacy_blocked"]));
    let contact = masked.await.unwrap().contact.unwrap();
    assert_eq!(
        (contact.name.as_str(), contact.company_id.as_str()),
        ("One", "C")
    );
    assert_eq!(
        (contact.email.as_str(), contact.privacy_blocked()),
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
async fn a_mask_with_an_unknown_field_is_rejected() {
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
    assert!(
        etags
            .iter()
            .all(|it| it.starts_with("\"r") && it.ends_with('"'))
    );
    let unquoted = etags[2].trim_matches('"');
    assert_eq!(
        refused(tenant.delete_contact("P", unquoted, false).await),
        stale
    );
    tenant.delete_contact("P", &etags[2], false).await.unwrap();
    assert_eq!(
        refused(tenant.get_contact("P").await),
        (Code::NotFound, "CONTACT_NOT_FOUND".into())
    );
}

#[tokio::test]
async fn allow_missing_creates_only_missing_contacts() {
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
        "it is not created again"
    );
    let blank = tenant.put_contact(person("", "")).await.unwrap_err();
    assert_eq!(violations(&blank), ["contact.id"]);
}

#[tokio::test]
async fn a_flag_is_cleared_by_an_explicit_value_or_by_its_name_in_the_mask() {
    let mut tenant = Tenant::new().await;
    let flags = |contact: pb::Contact| (contact.exclude_from_segments, contact.privacy_blocked);
    let sent = |excluded, blocked| pb::Contact {
        exclude_from_segments: excluded,
        privacy_blocked: blocked,
        ..person("P", "")
    };
    tenant.create(sent(Some(true), Some(true))).await;
    for (excluded, blocked, paths, expected) in [
        (None, None, &["*"][..], (true, true)),
        (None, Some(false), &[], (true, false)),
        (None, Some(true), &["*"], (true, true)),
        (None, None, &["privacy_blocked"], (true, false)),
        (Some(false), None, &["*"], (false, false)),
    ] {
        let update = tenant.update_contact(sent(excluded, blocked), mask(paths));
        let updated = update.await.unwrap().contact.unwrap();
        assert_eq!(flags(updated), (Some(expected.0), Some(expected.1)));
    }
}
