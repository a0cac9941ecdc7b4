//! Our side of the imports: chunks of ten thousand, made beforehand, through a tonic client.

use std::time::Instant;

use futures_util::stream;
use mailing_groups::pb::{
    self, contacts_client::ContactsClient, import_contacts_request as contacts_message,
    import_contacts_response as contacts_answer, import_memberships_request as pairs_message,
    import_memberships_response as pairs_answer, mailing_groups_client::MailingGroupsClient,
};
use tonic::Request;

use crate::throughput::stage::Stage;

/// The most items of a chunk.
const CHUNK: usize = 10_000;

/// Contact and group, ten groups a contact, in the order of contacts.
pub(crate) fn pairs(contacts: u64) -> impl Iterator<Item = (u64, u64)> {
    let groups = |n: u64| (1..=50).filter(move |k| (n + k).is_multiple_of(5));
    (1..=contacts).flat_map(move |n| groups(n).map(move |k| (n, k)))
}

/// A contact: every tenth is a company, whose people follow it.
pub(crate) fn contact(n: u64) -> pb::Contact {
    let company = n - (n + 9) % 10;
    let (kind, company_id) = match company == n {
        true => (pb::ContactKind::Company, String::new()),
        false => (pb::ContactKind::Person, format!("C{company:08}")),
    };
    pb::Contact {
        id: format!("C{n:08}"),
        kind: kind.into(),
        name: format!("Contact number {n}"),
        company_id,
        email: format!("c{n}@example.com"),
        ..Default::default()
    }
}

/// Imports [`pairs`], and returns rows a second.
pub(crate) async fn memberships(stage: &Stage, contacts: u64) -> f64 {
    use pairs_message::{Chunk, Finish, Message, Start};
    let items: Vec<_> = pairs(contacts)
        .map(|(n, k)| pb::Assignment {
            contact_id: format!("C{n:08}"),
            code: format!("G{k:02}"),
        })
        .collect();
    let chunk = |assignments| Message::Chunk(Chunk { assignments });
    let (first, last) = (Message::Start(Start::default()), Message::Finish(Finish {}));
    let messages = upload(first, &items, chunk, last).map(|message| pb::ImportMembershipsRequest {
        message: Some(message),
    });
    let client = MailingGroupsClient::connect(stage.service.endpoint.clone()).await;
    let mut client = client.expect("connects");
    let start = Instant::now();
    let answers = client.import_memberships(of_tenant(stream::iter(messages)));
    let mut answers = answers.await.expect("imports").into_inner();
    let mut summary = None;
    while let Some(answer) = answers.message().await.expect("imports on") {
        match answer.message {
            Some(pairs_answer::Message::Summary(last)) => summary = Some(last),
            Some(pairs_answer::Message::Rejection(refused)) => panic!("refused: {refused:?}"),
            _ => {}
        }
    }
    let elapsed = start.elapsed();
    let changed = summary.expect("a summary").changed_count;
    assert_eq!(changed as usize, items.len(), "all are new");
    items.len() as f64 / elapsed.as_secs_f64()
}

/// Imports contacts, and returns rows a second.
pub(crate) async fn contacts(stage: &Stage, rows: u64) -> f64 {
    use contacts_message::{Chunk, Finish, Message, Start};
    let items: Vec<_> = (1..=rows).map(contact).collect();
    let chunk = |contacts| Message::Chunk(Chunk { contacts });
    let (first, last) = (Message::Start(Start::default()), Message::Finish(Finish {}));
    let messages = upload(first, &items, chunk, last).map(|message| pb::ImportContactsRequest {
        message: Some(message),
    });
    drop(items);
    let client = ContactsClient::connect(stage.service.endpoint.clone()).await;
    let mut client = client.expect("connects");
    let start = Instant::now();
    let answers = client.import_contacts(of_tenant(stream::iter(messages)));
    let mut answers = answers.await.expect("imports").into_inner();
    let mut summary = None;
    while let Some(answer) = answers.message().await.expect("imports on") {
        match answer.message {
            Some(contacts_answer::Message::Summary(last)) => summary = Some(last),
            Some(contacts_answer::Message::Rejection(refused)) => panic!("refused: {refused:?}"),
            _ => {}
        }
    }
    let elapsed = start.elapsed();
    let created = summary.expect("a summary").created_count;
    assert_eq!(created as u64, rows, "all are new");
    rows as f64 / elapsed.as_secs_f64()
}

/// All messages of an upload.
fn upload<M, T: Clone>(
    first: M,
    items: &[T],
    chunk: impl Fn(Vec<T>) -> M,
    last: M,
) -> std::vec::IntoIter<M> {
    let mut messages = vec![first];
    messages.extend(items.chunks(CHUNK).map(|items| chunk(items.to_vec())));
    messages.push(last);
    messages.into_iter()
}

fn of_tenant<T>(messages: T) -> Request<T> {
    let mut request = Request::new(messages);
    let name = "t1".parse().expect("a name");
    request.metadata_mut().insert("x-tenant", name);
    request
}
