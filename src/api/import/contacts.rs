//! The import of contacts.

use pb::{
    import_contacts_request::Message as Sent,
    import_contacts_response::{Message as Answer, Progress, Rejection, Summary},
};
use prost::Message as _;

use super::{Message, Upload};
use crate::{
    api::{convert::details, field::required, status::contact_field},
    domain::{
        Result, UpsertOutcome, Violation,
        imports::{ChunkResult, Import, ImportProgress, StoredRejection},
    },
    model::{ImportKind, NewContact},
    pb,
};

/// The upload of contacts.
pub(in crate::api) enum ContactImport {}

/// An item as it was read: its id as sent, and what it says or what is wrong with it.
type Item = (String, Result<NewContact, Violation>);

impl Upload for ContactImport {
    type Request = pb::ImportContactsRequest;
    type Item = pb::Contact;
    type Chunk = Vec<Item>;
    type Response = pb::ImportContactsResponse;

    const KIND: ImportKind = ImportKind::Contacts;
    const ITEMS: &'static str = "chunk.contacts";

    fn read(items: Vec<pb::Contact>) -> Vec<Item> {
        let read = |contact: pb::Contact| {
            let new = new_contact(&contact);
            (contact.id, new)
        };
        items.into_iter().map(read).collect()
    }

    async fn commit(import: &mut Import, chunk: Vec<Item>) -> Result<Vec<StoredRejection>> {
        let good: Vec<NewContact> = chunk
            .iter()
            .filter_map(|(_, read)| read.clone().ok())
            .collect();
        let before = import.progress;
        import
            .put_contacts(&good, |outcomes, revision| {
                let progress = ImportProgress { revision, ..before };
                note(progress, chunk, outcomes)
            })
            .await
    }

    fn progress(progress: ImportProgress) -> pb::ImportContactsResponse {
        answer(Answer::Progress(Progress {
            processed_count: progress.processed_count,
            created_count: progress.created_count,
            updated_count: progress.updated_count,
            unchanged_count: unchanged(progress),
            rejected_count: progress.rejected_count,
            revision: progress.revision,
            ..Default::default()
        }))
    }

    fn summary(progress: ImportProgress) -> pb::ImportContactsResponse {
        answer(Answer::Summary(Summary {
            processed_count: progress.processed_count,
            created_count: progress.created_count,
            updated_count: progress.updated_count,
            unchanged_count: unchanged(progress),
            rejected_count: progress.rejected_count,
            revision: progress.revision,
            ..Default::default()
        }))
    }
}

/// What became of a chunk's items, of which the well-formed ones have these outcomes.
fn note(
    mut progress: ImportProgress,
    chunk: Vec<Item>,
    outcomes: Vec<UpsertOutcome>,
) -> ChunkResult {
    let (mut outcomes, mut rejected) = (outcomes.into_iter(), Vec::new());
    for (id, read) in chunk {
        let outcome = read.map(|_| outcomes.next().unwrap_or(UpsertOutcome::Unchanged));
        let violation = match outcome {
            Ok(UpsertOutcome::Refused(refusal)) => Some(Violation {
                field: contact_field(refusal.field()).to_owned(),
                reason: refusal.to_string(),
            }),
            Err(violation) => Some(violation),
            Ok(UpsertOutcome::Created) => {
                progress.created_count += 1;
                None
            }
            Ok(UpsertOutcome::Updated) => {
                progress.updated_count += 1;
                None
            }
            Ok(UpsertOutcome::Unchanged) => None,
        };
        let index = progress.processed_count;
        progress.processed_count += 1;
        if let Some(Violation { field, reason }) = violation {
            progress.rejected_count += 1;
            let rejection = Rejection {
                index,
                id,
                field,
                reason,
            };
            rejected.push((index, answer(Answer::Rejection(rejection)).encode_to_vec()));
        }
    }
    ChunkResult { progress, rejected }
}

fn unchanged(progress: ImportProgress) -> i64 {
    progress.processed_count
        - progress.created_count
        - progress.updated_count
        - progress.rejected_count
}

fn new_contact(contact: &pb::Contact) -> Result<NewContact, Violation> {
    let id = required(&contact.id, "id")?;
    let details = details(contact, "").map_err(|mut violations| violations.swap_remove(0))?;
    Ok(NewContact { id, details })
}

fn answer(message: Answer) -> pb::ImportContactsResponse {
    pb::ImportContactsResponse {
        message: Some(message),
    }
}

impl From<pb::ImportContactsRequest> for Message<Vec<pb::Contact>> {
    fn from(request: pb::ImportContactsRequest) -> Self {
        match request.message {
            Some(Sent::Start(start)) => Self::Start(start.import_id, start.known_count),
            Some(Sent::Chunk(chunk)) => Self::Chunk(chunk.contacts),
            Some(Sent::Finish(_)) => Self::Finish,
            None => Self::Empty,
        }
    }
}
