//! Imports of contacts and memberships: items, outcomes and acknowledgements.

mod duplicates;
mod masks;
mod small_chunks;
mod starts;
mod validation;

use mailing_groups::pb::{
    self, AssignmentOutcome,
    import_contacts_request::{Message as ToContacts, Start},
    import_contacts_response::{self as contacts, Message as OfContacts},
    import_memberships_request::Message as ToMemberships,
    import_memberships_response::{self as memberships, Message as OfMemberships},
};

use crate::support::{Tenant, company, contact_chunk, membership_chunk, pairs, person};

/// Uploads chunks of contacts, with start and finish, and collects the responses.
async fn import(tenant: &mut Tenant, chunks: Vec<Vec<pb::Contact>>) -> Vec<OfContacts> {
    import_with(tenant, Start::default(), chunks).await
}

pub(crate) async fn import_with(
    tenant: &mut Tenant,
    start: Start,
    chunks: Vec<Vec<pb::Contact>>,
) -> Vec<OfContacts> {
    let upload = tenant.upload_contacts().await;
    upload.send(ToContacts::Start(start)).await;
    for chunk in chunks {
        upload.send(contact_chunk(chunk)).await;
    }
    upload.send(ToContacts::Finish(Default::default())).await;
    let answers = upload.close().await.unwrap();
    answers
        .into_iter()
        .map(|answer| answer.message.unwrap())
        .collect()
}

/// The rejected items: index, id, field.
pub(crate) fn rejections(answers: &[OfContacts]) -> Vec<(i64, &str, &str)> {
    answers
        .iter()
        .filter_map(|answer| match answer {
            OfContacts::Rejection(r) => {
                assert!(!r.message.is_empty());
                Some((r.index, r.id.as_str(), r.field.as_str()))
            }
            _ => None,
        })
        .collect()
}

pub(crate) fn summary(answers: &[OfContacts]) -> contacts::Summary {
    match answers.last() {
        Some(OfContacts::Summary(summary)) => *summary,
        other => panic!("no summary but {other:?}"),
    }
}

#[tokio::test]
async fn contacts_are_created_replaced_or_unchanged() {
    let mut tenant = Tenant::new().await;
    let mail = |contact| pb::Contact {
        email: "p@example.com".into(),
        ..contact
    };
    tenant.create(mail(person("P", ""))).await;
    tenant.create(person("Q", "")).await;
    tenant.group("MOVE").await;
    tenant.assign("P", "MOVE").await;
    let chunk = vec![
        company("C"),
        person("P", "C"),
        person("Q", ""),
        person("N", "C"),
    ];
    let answers = import(&mut tenant, vec![chunk]).await;
    let expected = contacts::Summary {
        processed_count: 4,
        created_count: 2,
        updated_count: 1,
        unchanged_count: 1,
        revision: 5,
        ..Default::default()
    };
    assert_eq!(summary(&answers), expected);
    let contact = tenant.get_contact("P").await.unwrap();
    assert_eq!(
        (contact.company_id.as_str(), contact.email.as_str()),
        ("C", ""),
        "replaced as a whole"
    );
    assert_eq!(contact.mailing_group_count, 1, "groups stay");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn rejected_contacts_are_named_and_the_others_imported() {
    let mut tenant = Tenant::new().await;
    let first = vec![
        person("P1", "LATER"),
        person("P2", "C"),
        person("", ""),
        company("C"),
        pb::Contact {
            name: " ".into(),
            ..person("P3", "")
        },
        pb::Contact {
            company_id: "C".into(),
            ..company("D")
        },
        person("P4", "P2"),
    ];
    let second = vec![
        company("LATER"),
        person("P1", "LATER"),
        person("C", ""),
        person("a b", ""),
    ];
    let answers = import(&mut tenant, vec![first, second]).await;
    let expected = [
        (0, "P1", "company_id"),
        (2, "", "id"),
        (4, "P3", "name"),
        (5, "D", "company_id"),
        (6, "P4", "company_id"),
        (9, "C", "kind"),
        (10, "a b", "id"),
    ];
    assert_eq!(rejections(&answers), expected);
    let progress = |processed_count, created_count, rejected_count, revision| {
        OfContacts::Progress(contacts::Progress {
            processed_count,
            created_count,
            rejected_count,
            revision,
            ..Default::default()
        })
    };
    // A rejection is sent before the progress that covers it.
    assert_eq!(answers[5], progress(7, 2, 5, 1));
    assert_eq!(answers[8], progress(11, 4, 7, 2));
    assert_eq!(tenant.get_contact("P1").await.unwrap().company_id, "LATER");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_imported_change_of_kind_keeps_counters_and_references() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant
        .import(vec![
            company("C"),
            company("D"),
            person("P", "D"),
            person("Q", ""),
        ])
        .await;
    let all = [("C", "MOVE"), ("D", "MOVE"), ("P", "MOVE"), ("Q", "MOVE")];
    tenant.batch_assign(pairs(&all), "").await.unwrap();
    let chunk = vec![
        person("C", ""),
        person("D", ""),
        company("Q"),
        company("P"),
        person("R", "Q"),
    ];
    let answers = import(&mut tenant, vec![chunk]).await;
    // D has a person when the chunk comes in.
    assert_eq!(rejections(&answers), [(1, "D", "kind")]);
    assert_eq!(tenant.counts("MOVE").await, (4, 3, 1));
    assert_eq!(tenant.get_contact("R").await.unwrap().company_id, "Q");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn memberships_get_an_outcome_per_item() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    tenant.create(person("P", "")).await;
    let upload = tenant.upload_memberships().await;
    upload.send(ToMemberships::Start(Default::default())).await;
    let first = [("A", "MOVE"), ("X", "MOVE"), ("A", "move")];
    upload.send(membership_chunk(pairs(&first))).await;
    let second = [("A", "NONE"), ("P", "MOVE"), ("P", "X-CARD")];
    upload.send(membership_chunk(pairs(&second))).await;
    upload.send(ToMemberships::Finish(Default::default())).await;
    let answers = upload.close().await.unwrap();
    let answers: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.message.unwrap())
        .collect();
    let refused = |index, at: (&str, &str), outcome: AssignmentOutcome, reason: &str| {
        OfMemberships::Rejection(memberships::Rejection {
            index,
            assignment: pairs(&[at]).pop(),
            outcome: outcome.into(),
            message: reason.into(),
            ..Default::default()
        })
    };
    let progress = memberships::Progress {
        processed_count: 3,
        changed_count: 1,
        unchanged_count: 1,
        rejected_count: 1,
        revision: 4,
        finished: false,
    };
    let total = memberships::Summary {
        processed_count: 6,
        changed_count: 2,
        unchanged_count: 1,
        rejected_count: 3,
        revision: 5,
    };
    assert_eq!(
        answers[0],
        refused(
            1,
            first[1],
            AssignmentOutcome::UnknownContact,
            "there is no such contact"
        )
    );
    assert_eq!(answers[1], OfMemberships::Progress(progress));
    assert_eq!(
        answers[2],
        refused(
            3,
            second[0],
            AssignmentOutcome::UnknownGroup,
            "there is no such mailing group"
        )
    );
    assert!(
        matches!(&answers[3], OfMemberships::Rejection(r) if r.index == 5 && r.outcome() == AssignmentOutcome::Invalid)
    );
    assert_eq!(
        (answers.len(), &answers[5]),
        (6, &OfMemberships::Summary(total))
    );
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn fifty_thousand_contacts_and_memberships_are_imported() {
    let mut tenant = Tenant::new().await;
    tenant.group("ALL").await;
    let ids: Vec<String> = (0..50_000).map(|n| format!("P{n:05}")).collect();
    let people: Vec<_> = ids.iter().map(|id| person(id, "")).collect();
    let chunks = people.chunks(10_000).map(<[pb::Contact]>::to_vec).collect();
    let done = summary(&import(&mut tenant, chunks).await);
    assert_eq!(
        (done.created_count, done.processed_count, done.revision),
        (50_000, 50_000, 6)
    );
    let mut upload = tenant.upload_memberships().await;
    upload.send(ToMemberships::Start(Default::default())).await;
    for (chunk, sent) in ids.chunks(10_000).zip((10_000..).step_by(10_000)) {
        let items: Vec<_> = chunk.iter().map(|id| (id.as_str(), "ALL")).collect();
        upload.send(membership_chunk(pairs(&items))).await;
        let (rejections, answer) = upload.until(sent).await.unwrap();
        let Some(OfMemberships::Progress(progress)) = answer.message else {
            panic!("{answer:?}")
        };
        assert_eq!((rejections, progress.changed_count), (vec![], sent));
    }
    upload.send(ToMemberships::Finish(Default::default())).await;
    assert_eq!(upload.close().await.unwrap().len(), 1);
    assert_eq!(tenant.counts("ALL").await, (50_000, 0, 50_000));
    tenant.assert_consistent().await;
}
