//! Imports and streams that go on where they broke.

use std::sync::Arc;

use mailing_groups::pb::{
    import_contacts_request::{Finish, Message as Sent, Start},
    import_contacts_response::Message as Answer,
    stream_segment_members_response::Message as Part,
};
use tonic::Status;

use super::load::Shared;
use crate::support::{Tenant, contact_chunk, person, select, within};

/// The number of contacts that are there from the start.
pub(super) const BASE: usize = 400;

/// Contacts of an import, and of a chunk.
const IMPORTED: usize = 200;
const CHUNK: usize = 20;

/// Imports contacts.
pub(super) async fn import(shared: Arc<Shared>, client: usize) {
    for number in 0.. {
        let _work = shared.work().await;
        let import = format!("I{client}-{number}");
        let ids: Vec<_> = (0..IMPORTED).map(|n| format!("{import}-{n}")).collect();
        // What was acknowledged.
        let mut known = 0;
        let go_on = async |tenant: &mut Tenant| part(tenant, &import, &ids, &mut known).await;
        let (created, _) = shared.until_acknowledged(go_on).await;
        assert_eq!(created, IMPORTED as i64, "each once");
        shared.expected.lock().unwrap().contacts.extend(ids);
    }
}

/// Goes on with an import until it ends or breaks; how many contacts the whole of it created.
async fn part(
    tenant: &mut Tenant,
    import_id: &str,
    ids: &[String],
    known: &mut i64,
) -> Result<i64, Status> {
    let mut upload = tenant.try_upload_contacts().await?;
    let start = Start {
        import_id: import_id.into(),
        known_count: *known,
        ..Default::default()
    };
    upload.try_send(Sent::Start(start)).await;
    let mut sent = None;
    loop {
        // A heartbeat repeats the last progress.
        let progress = match upload.message().await?.message.unwrap() {
            Answer::Progress(progress) => progress,
            Answer::Summary(summary) => return Ok(summary.created_count),
            Answer::Rejection(rejection) => panic!("{rejection:?}"),
        };
        let done = progress.processed_count;
        assert!(done >= *known, "{done} of {known} acknowledged items");
        *known = done;
        if sent.is_none_or(|sent| sent == done) && !progress.finished {
            let done = usize::try_from(done).unwrap();
            let chunk: Vec<_> = ids[done..]
                .iter()
                .take(CHUNK)
                .map(|id| person(id, ""))
                .collect();
            sent = Some((done + chunk.len()) as i64);
            match chunk.is_empty() {
                true => {
                    sent = Some(-1);
                    upload.try_send(Sent::Finish(Finish {})).await
                }
                false => upload.try_send(contact_chunk(chunk)).await,
            };
        }
    }
}

/// Reads the members of a group that nobody changes, in small pages.
pub(super) async fn stream(shared: Arc<Shared>) {
    let expected = shared.expected.lock().unwrap().members["BASE"].clone();
    loop {
        let _work = shared.work().await;
        let (mut ids, mut token) = (Vec::new(), String::new());
        let read = async |tenant: &mut Tenant| rest(tenant, &mut ids, &mut token).await;
        shared.until_done(read).await;
        assert_eq!(ids, expected);
    }
}

/// Goes on with a stream until it ends or breaks.
async fn rest(
    tenant: &mut Tenant,
    ids: &mut Vec<String>,
    token: &mut String,
) -> Result<(), Status> {
    let mut request = select("BASE");
    request.page_size = 30;
    request.resume_token.clone_from(token);
    let mut stream = tenant.open(request).await?;
    loop {
        let message = within(stream.message()).await?;
        match message.expect("no end before the summary").message.unwrap() {
            Part::Page(page) => {
                ids.extend(page.members.into_iter().map(|it| it.contact_id));
                *token = page.resume_token;
            }
            Part::Heartbeat(_) => {}
            Part::Summary(_) => return Ok(()),
        }
    }
}
