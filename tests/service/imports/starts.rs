//! What an import is started with, and what is kept of it.

use mailing_groups::pb::{
    import_contacts_request::Start,
    import_contacts_response::Message as OfContacts,
    import_memberships_request::{self as to_memberships, Message as ToMemberships},
    import_memberships_response::Message as OfMemberships,
};
use tonic::{Code, Status};

use super::{ToContacts, import_with, summary};
use crate::support::{
    Tenant, company, contact_chunk, info, mask, membership_chunk, pairs, person, tables, violations,
};

fn named(import_id: &str, fingerprint: &str) -> Start {
    Start {
        import_id: import_id.into(),
        fingerprint: fingerprint.into(),
        ..Default::default()
    }
}

/// The error of a start.
async fn failure(tenant: &mut Tenant, start: Start) -> Status {
    let mut upload = tenant.upload_contacts().await;
    upload.send(ToContacts::Start(start)).await;
    upload.message().await.unwrap_err()
}

#[tokio::test]
async fn an_import_is_continued_with_the_same_content_and_fields_only() {
    let mut tenant = Tenant::new().await;
    let mut upload = tenant.upload_contacts().await;
    upload
        .send(ToContacts::Start(named("crm", "sha256:1")))
        .await;
    upload.send(contact_chunk(vec![company("A")])).await;
    upload.until(1).await.unwrap();
    drop(upload);
    let other_fields = Start {
        update_mask: mask(&["name", "kind"]),
        ..named("crm", "sha256:1")
    };
    for (start, difference) in [
        (named("crm", "sha256:2"), "another fingerprint"),
        (named("crm", ""), "another fingerprint"),
        (other_fields, "another update_mask"),
    ] {
        let status = failure(&mut tenant, start).await;
        assert_eq!(
            (status.code(), info(&status).reason.as_str()),
            (Code::FailedPrecondition, "IMPORT_ID_REUSED")
        );
        assert!(status.message().contains(difference), "{status:?}");
    }
    let all_fields = Start {
        update_mask: mask(&["*"]),
        ..named("crm", "sha256:1")
    };
    let answers = import_with(&mut tenant, all_fields, vec![vec![company("B")]]).await;
    assert_eq!(summary(&answers).created_count, 2);
    let status = failure(&mut tenant, named("other", &"x".repeat(129))).await;
    assert_eq!(violations(&status), ["start.fingerprint"]);
}

#[tokio::test]
async fn a_finished_import_answers_its_totals_and_takes_nothing_more() {
    let mut tenant = Tenant::new().await;
    let start = named("once", "sha256:1");
    let chunk = vec![company("A"), person("P", "NONE")];
    let first = import_with(&mut tenant, start.clone(), vec![chunk]).await;
    let again = import_with(&mut tenant, start.clone(), vec![vec![company("B")]]).await;
    assert_eq!(summary(&again), summary(&first));
    let [
        OfContacts::Rejection(rejection),
        OfContacts::Progress(progress),
        _,
    ] = &again[..]
    else {
        panic!("{again:?}");
    };
    assert_eq!((rejection.index, progress.processed_count), (1, 2));
    assert!(progress.finished);
    assert!(tenant.get_contact("B").await.is_err());
    let status = failure(&mut tenant, named("once", "sha256:2")).await;
    assert_eq!(info(&status).reason, "IMPORT_ID_REUSED");
}

#[tokio::test]
async fn a_finished_import_of_memberships_answers_its_totals() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(person("P", "")).await;
    let start = to_memberships::Start {
        import_id: "pairs".into(),
        ..Default::default()
    };
    for finished in [false, true] {
        let mut upload = tenant.upload_memberships().await;
        upload.send(ToMemberships::Start(start.clone())).await;
        let Some(OfMemberships::Progress(progress)) = upload.message().await.unwrap().message
        else {
            panic!("no progress");
        };
        assert_eq!(progress.finished, finished);
        if !finished {
            upload.send(membership_chunk(pairs(&[("P", "MOVE")]))).await;
            upload.send(ToMemberships::Finish(Default::default())).await;
        }
        let answers = upload.close().await.unwrap();
        let Some(Some(OfMemberships::Summary(summary))) = answers.last().map(|it| &it.message)
        else {
            panic!("{answers:?}");
        };
        assert_eq!(summary.changed_count, 1);
    }
}

#[tokio::test]
async fn rejections_are_kept_without_what_was_sent() {
    let mut tenant = Tenant::new().await;
    let mut marked = person("SECRET-ID", "SECRET-COMPANY");
    marked.name = "Secret Name".into();
    let mut invalid = person("SECRET-ID-2", "");
    invalid.email = "secret at example.com".into();
    let answers = import_with(
        &mut tenant,
        named("private", ""),
        vec![vec![marked, invalid]],
    );
    let rejected = super::rejections(&answers.await).len();
    let text = "SELECT r.rejection::text FROM import_rejections r JOIN tenants t USING (tenant_id) \
        WHERE t.name = $1 ORDER BY item_index";
    let rows = tables::shared()
        .await
        .query(text, &[&tenant.name])
        .await
        .unwrap();
    let kept: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!((rejected, kept.len()), (2, 2));
    for kept in kept {
        assert!(kept.contains("\"version\": \"1\""), "{kept}");
        assert!(!kept.to_lowercase().contains("secret"), "{kept}");
    }
}
