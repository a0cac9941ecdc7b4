//! Items of batches and imports that use former names.

use std::collections::HashMap;

use mailing_groups::pb::{
    self,
    AssignmentOutcome::{self, *},
    import_contacts_request as to_contacts, import_contacts_response,
    import_memberships_request as to_memberships, import_memberships_response,
};

use super::given_up;
use crate::support::{Tenant, contact_chunk, membership_chunk, pairs, person};

const ITEMS: [(&str, &str); 6] = [
    ("P", "OLD"),
    ("FORMER", "G"),
    ("FORMER", "OLD"),
    ("P", "NEW"),
    ("NONE", "OLD"),
    ("P", "NONE"),
];

fn former(former: &str, current: &str) -> HashMap<String, String> {
    let pair = |key: &str, name: &str| (key.to_owned(), name.to_owned());
    HashMap::from([pair("former", former), pair("current", current)])
}

fn outcome(
    rejection: pb::ImportMembershipsResponse,
) -> (AssignmentOutcome, HashMap<String, String>) {
    match rejection.message.unwrap() {
        import_memberships_response::Message::Rejection(it) => (it.outcome(), it.metadata),
        other => panic!("no rejection but {other:?}"),
    }
}

/// The outcomes of [`ITEMS`], with their metadata.
fn outcomes(changed: AssignmentOutcome) -> Vec<(AssignmentOutcome, HashMap<String, String>)> {
    vec![
        (MailingGroupRenamed, former("OLD", "NEW")),
        (ContactMerged, former("FORMER", "KEPT")),
        (ContactMerged, former("FORMER", "KEPT")),
        (changed, HashMap::new()),
        (UnknownContact, HashMap::new()),
        (UnknownGroup, HashMap::new()),
    ]
}

#[tokio::test]
async fn items_of_batches_name_the_present_names() {
    let mut tenant = given_up().await;
    for (request_id, changed) in [("", Changed), ("r", Unchanged), ("r", Unchanged)] {
        let done = tenant
            .batch_assign(pairs(&ITEMS), request_id)
            .await
            .unwrap();
        let results = done
            .results
            .into_iter()
            .map(|it| (it.outcome(), it.metadata));
        assert_eq!(results.collect::<Vec<_>>(), outcomes(changed));
    }
    let done = tenant.batch_unassign(pairs(&ITEMS), "").await.unwrap();
    let results = done
        .results
        .into_iter()
        .map(|it| (it.outcome(), it.metadata));
    assert_eq!(results.collect::<Vec<_>>(), outcomes(Changed));
}

async fn rejected_memberships(
    tenant: &mut Tenant,
    start: to_memberships::Start,
) -> Vec<(AssignmentOutcome, HashMap<String, String>)> {
    let mut upload = tenant.upload_memberships().await;
    upload.send(to_memberships::Message::Start(start)).await;
    upload.send(membership_chunk(pairs(&ITEMS))).await;
    let (rejections, _) = upload.until(6).await.unwrap();
    rejections.into_iter().map(outcome).collect()
}

#[tokio::test]
async fn rows_of_an_import_of_memberships_name_the_present_names() {
    let mut tenant = given_up().await;
    let mut wanted = outcomes(Changed);
    wanted.remove(3);
    for validate_only in [true, false] {
        let start = to_memberships::Start {
            validate_only,
            ..Default::default()
        };
        assert_eq!(rejected_memberships(&mut tenant, start).await, wanted);
    }
    // The names are looked up again.
    let start = to_memberships::Start {
        import_id: "i".into(),
        ..Default::default()
    };
    assert_eq!(
        rejected_memberships(&mut tenant, start.clone()).await,
        wanted
    );
    assert_eq!(sent_again(&mut tenant, &start).await, wanted);
    tenant.rename("NEW", "NEWER", "").await.unwrap();
    tenant.merge("P", "KEPT").await.unwrap();
    wanted[0].1 = former("OLD", "NEWER");
    wanted[1].1 = former("FORMER", "P");
    wanted[2].1 = former("FORMER", "P");
    assert_eq!(sent_again(&mut tenant, &start).await, wanted);
    tenant.delete_contact("P", "", true).await.unwrap();
    tenant.delete_group("NEWER", "", true).await.unwrap();
    let outcomes = wanted.into_iter();
    let wanted: Vec<_> = outcomes.map(|(it, _)| (it, HashMap::new())).collect();
    assert_eq!(sent_again(&mut tenant, &start).await, wanted);
}

/// The rejections that are sent again when an import is continued.
async fn sent_again(
    tenant: &mut Tenant,
    start: &to_memberships::Start,
) -> Vec<(AssignmentOutcome, HashMap<String, String>)> {
    let mut upload = tenant.upload_memberships().await;
    let start = to_memberships::Message::Start(start.clone());
    upload.send(start).await;
    let (again, _) = upload.until(6).await.unwrap();
    again.into_iter().map(outcome).collect()
}

#[tokio::test]
async fn rows_of_an_import_of_contacts_name_the_present_company() {
    let mut tenant = given_up().await;
    let rows = vec![
        person("Q", "FORMERC"),
        person("R", "NONE"),
        person("S", "KEPTC"),
        person("FORMER", ""),
    ];
    let wanted = [
        (0, "company_id", former("FORMERC", "KEPTC")),
        (1, "company_id", HashMap::new()),
        (3, "id", former("FORMER", "KEPT")),
    ]
    .map(|(index, field, names)| (index, field.to_owned(), names));
    // The last one sends them again.
    for (validate_only, import_id, sent) in [
        (true, "", Some(&rows)),
        (false, "", Some(&rows)),
        (false, "i", Some(&rows)),
        (false, "i", None),
    ] {
        let mut upload = tenant.upload_contacts().await;
        let start = to_contacts::Start {
            validate_only,
            import_id: import_id.into(),
            ..Default::default()
        };
        upload.send(to_contacts::Message::Start(start)).await;
        if let Some(rows) = sent {
            upload.send(contact_chunk(rows.clone())).await;
        }
        let (rejections, _) = upload.until(4).await.unwrap();
        let rejection = |it: pb::ImportContactsResponse| match it.message.unwrap() {
            import_contacts_response::Message::Rejection(it) => (it.index, it.field, it.metadata),
            other => panic!("no rejection but {other:?}"),
        };
        let rejections = rejections.into_iter().map(rejection);
        assert_eq!(rejections.collect::<Vec<_>>(), wanted, "{import_id}");
    }
}
