//! Imports of some fields, and of flags without a value.

use mailing_groups::pb::{self, import_contacts_request::Start};
use tonic::Code;

use super::{ToContacts, import, import_with, rejections, summary};
use crate::support::{Tenant, company, mask, person, violations};

fn masked(paths: &[&str]) -> Start {
    Start {
        update_mask: mask(paths),
        ..Default::default()
    }
}

#[tokio::test]
async fn fields_that_the_mask_does_not_name_stay() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    tenant.create(person("P", "C")).await;
    let chunk = vec![
        pb::Contact {
            email: "p@example.com".into(),
            ..person("P", "")
        },
        person("NEW", ""),
    ];
    let answers = import_with(&mut tenant, masked(&["email"]), vec![chunk.clone()]).await;
    assert_eq!(rejections(&answers), [(1, "NEW", "kind")]);
    let contact = tenant.get_contact("P").await.unwrap();
    assert_eq!(
        (contact.company_id.as_str(), contact.email.as_str()),
        ("C", "p@example.com")
    );
    let answers = import_with(&mut tenant, masked(&["kind", "name"]), vec![chunk]).await;
    let done = summary(&answers);
    assert_eq!((done.created_count, done.unchanged_count), (1, 1));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_flag_is_cleared_only_by_an_explicit_false() {
    let mut tenant = Tenant::new().await;
    let flagged = |excluded, blocked| pb::Contact {
        exclude_from_segments: excluded,
        privacy_blocked: blocked,
        ..person("P", "")
    };
    let (yes, no) = (Some(true), Some(false));
    for (sent, paths, expected) in [
        (flagged(yes, yes), &[][..], (yes, yes)),
        (flagged(None, None), &[], (yes, yes)),
        (flagged(None, no), &["*"], (yes, no)),
        (flagged(None, None), &["exclude_from_segments"], (yes, no)),
        (flagged(no, yes), &["exclude_from_segments"], (no, no)),
    ] {
        import_with(&mut tenant, masked(paths), vec![vec![sent]]).await;
        let contact = tenant.get_contact("P").await.unwrap();
        assert_eq!(
            (contact.exclude_from_segments, contact.privacy_blocked),
            expected
        );
    }
    import(&mut tenant, vec![vec![person("Q", "")]]).await;
    let contact = tenant.get_contact("Q").await.unwrap();
    assert_eq!(contact.privacy_blocked, no);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_unknown_field_in_the_mask_is_rejected() {
    let mut tenant = Tenant::new().await;
    let mut upload = tenant.upload_contacts().await;
    upload
        .send(ToContacts::Start(masked(&["name", "phone"])))
        .await;
    let status = upload.message().await.unwrap_err();
    assert_eq!(
        (status.code(), violations(&status)),
        (Code::InvalidArgument, vec!["start.update_mask".into()])
    );
    assert!(status.message().contains("phone"), "{status:?}");
}
