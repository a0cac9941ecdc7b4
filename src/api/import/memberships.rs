//! The import of memberships.

use pb::{
    AssignmentOutcome,
    import_memberships_request::Message as Sent,
    import_memberships_response::{Message as Answer, Progress, Rejection, Summary},
};
use prost::Message as _;

use super::{Message, Upload};
use crate::{
    api::assignments::{self, Items},
    domain::{
        Result,
        imports::{ChunkResult, Import, ImportProgress, StoredRejection},
    },
    model::{self, Assignment, ImportKind},
    pb,
};

/// The upload of memberships.
pub(in crate::api) enum MembershipImport {}

/// The items as sent, and as they were read.
type Chunk = (Vec<pb::Assignment>, Items);

impl Upload for MembershipImport {
    type Request = pb::ImportMembershipsRequest;
    type Item = pb::Assignment;
    type Chunk = Chunk;
    type Response = pb::ImportMembershipsResponse;

    const KIND: ImportKind = ImportKind::Memberships;
    const ITEMS: &'static str = "chunk.assignments";

    fn read(items: Vec<pb::Assignment>) -> Chunk {
        let read = assignments::items(&items);
        (items, read)
    }

    async fn commit(import: &mut Import, (sent, read): Chunk) -> Result<Vec<StoredRejection>> {
        let good: Vec<Assignment> = read.iter().flatten().cloned().collect();
        let before = import.progress;
        import
            .assign(&good, |outcomes, revision| {
                let progress = ImportProgress { revision, ..before };
                note(progress, sent, read, outcomes)
            })
            .await
    }

    fn progress(progress: ImportProgress) -> pb::ImportMembershipsResponse {
        answer(Answer::Progress(Progress {
            processed_count: progress.processed_count,
            changed_count: progress.created_count,
            unchanged_count: unchanged(progress),
            rejected_count: progress.rejected_count,
            revision: progress.revision,
            ..Default::default()
        }))
    }

    fn summary(progress: ImportProgress) -> pb::ImportMembershipsResponse {
        answer(Answer::Summary(Summary {
            processed_count: progress.processed_count,
            changed_count: progress.created_count,
            unchanged_count: unchanged(progress),
            rejected_count: progress.rejected_count,
            revision: progress.revision,
        }))
    }
}

/// What became of a chunk's items, of which the well-formed ones have these outcomes.
fn note(
    mut progress: ImportProgress,
    sent: Vec<pb::Assignment>,
    read: Items,
    outcomes: Vec<model::AssignmentOutcome>,
) -> ChunkResult {
    let mut rejected = Vec::new();
    for (assignment, result) in sent.into_iter().zip(assignments::results(read, outcomes)) {
        let index = progress.processed_count;
        progress.processed_count += 1;
        match result.outcome() {
            AssignmentOutcome::Changed => progress.created_count += 1,
            AssignmentOutcome::Unchanged => {}
            _ => {
                progress.rejected_count += 1;
                let rejection = Rejection {
                    index,
                    assignment: Some(assignment),
                    outcome: result.outcome,
                    reason: result.reason,
                };
                rejected.push((index, answer(Answer::Rejection(rejection)).encode_to_vec()));
            }
        }
    }
    ChunkResult { progress, rejected }
}

fn unchanged(progress: ImportProgress) -> i64 {
    progress.processed_count - progress.created_count - progress.rejected_count
}

fn answer(message: Answer) -> pb::ImportMembershipsResponse {
    pb::ImportMembershipsResponse {
        message: Some(message),
    }
}

impl From<pb::ImportMembershipsRequest> for Message<Vec<pb::Assignment>> {
    fn from(request: pb::ImportMembershipsRequest) -> Self {
        match request.message {
            Some(Sent::Start(start)) => Self::Start(start.import_id, start.known_count),
            Some(Sent::Chunk(chunk)) => Self::Chunk(chunk.assignments),
            Some(Sent::Finish(_)) => Self::Finish,
            None => Self::Empty,
        }
    }
}
