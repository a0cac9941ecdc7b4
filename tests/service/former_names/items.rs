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
    // What is stored of a rejection names nothing.
    let start = to_memberships::Start {
        import_id: "i".into(),
        ..Default::default()
    };
    assert_eq!(
        rejected_memberships(&mut tenant, start.clone()).await,
        wanted
    );
    let mut upload = tenant.upload_memberships().await;
    upload.send(to_memberships::Message::Start(start)).await;
    let (again, _) = upload.until(6).await.unwrap();
    let again = again.into_iter().map(outcome);
    let wanted = wanted
        .into_iter()
        .map(|(outcome, _)| (outcome, HashMap::new()));
    assert_eq!(again.collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_of_an_import_of_contacts_name_the_present_company() {
    let mut tenant = given_up().await;
    for validate_only in [true, false] {
        let mut upload = tenant.upload_contacts().await;
        let start = to_contacts::Start {
            validate_only,
            ..Default::default()
        };
        upload.send(to_contacts::Message::Start(start)).await;
        let rows = vec![
            person("Q", "FORMERC"),
            person("R", "NONE"),
            person("S", "KEPTC"),
        ];
        upload.send(contact_chunk(rows)).await;
        let (rejections, _) = upload.until(3).await.unwrap();
        let rejection = |it: pb::ImportContactsResponse| match it.message.unwrap() {
            import_contacts_response::Message::Rejection(it) => (it.index, it.field, it.metadata),
            other => panic!("no rejection but {other:?}"),
        };
        let rejections = rejections.into_iter().map(rejection);
        let field = || "company_id".to_owned();
        assert_eq!(
            rejections.collect::<Vec<_>>(),
            [
                (0, field(), former("FORMERC", "KEPTC")),
                (1, field(), HashMap::new())
            ]
        );
    }
}
