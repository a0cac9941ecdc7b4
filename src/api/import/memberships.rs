//! The import of memberships.

use super::{Import, Message};
use crate::{
    api::{batch, pb},
    domain::{Call, Domain, Result, assignments::Direction},
    model::Revision,
};

use pb::{
    AssignmentOutcome,
    import_memberships_request::Message as Sent,
    import_memberships_response::{Message as Answer, Progress, Rejection, Summary},
};

/// An import of memberships and its totals so far.
pub(in crate::api) struct MembershipImport {
    domain: Domain,
    call: Call,
    processed: i64,
    changed: i64,
    rejected: i64,
    revision: Revision,
}

impl MembershipImport {
    pub(in crate::api) fn new(domain: Domain, call: Call) -> MembershipImport {
        MembershipImport {
            domain,
            call,
            processed: 0,
            changed: 0,
            rejected: 0,
            revision: 0,
        }
    }

    fn unchanged(&self) -> i64 {
        self.processed - self.changed - self.rejected
    }

    fn rejection(
        &self,
        at: usize,
        item: &pb::Assignment,
        result: pb::AssignmentResult,
    ) -> Option<pb::ImportMembershipsResponse> {
        match result.outcome() {
            AssignmentOutcome::Changed | AssignmentOutcome::Unchanged => None,
            _ => Some(answer(Answer::Rejection(Rejection {
                index: self.processed + i64::try_from(at).unwrap_or(i64::MAX),
                assignment: Some(item.clone()),
                outcome: result.outcome,
                reason: result.reason,
            }))),
        }
    }
}

impl Import for MembershipImport {
    type Request = pb::ImportMembershipsRequest;
    type Item = pb::Assignment;
    type Response = pb::ImportMembershipsResponse;

    const ITEMS: &'static str = "chunk.assignments";

    async fn commit(
        &mut self,
        items: Vec<pb::Assignment>,
    ) -> Result<Vec<pb::ImportMembershipsResponse>> {
        let read = batch::read(&items)?;
        let done = batch::change(&self.domain, &self.call, read, Direction::Assign, None).await?;
        let results = items.iter().zip(done.results).enumerate();
        let mut answers: Vec<_> = results
            .filter_map(|(at, (item, result))| self.rejection(at, item, result))
            .collect();
        self.processed += i64::try_from(items.len()).unwrap_or(i64::MAX);
        self.changed += done.changed;
        self.rejected += i64::try_from(answers.len()).unwrap_or(i64::MAX);
        self.revision = done.revision;
        answers.push(answer(Answer::Progress(Progress {
            processed_count: self.processed,
            changed_count: self.changed,
            unchanged_count: self.unchanged(),
            rejected_count: self.rejected,
            revision: self.revision,
        })));
        Ok(answers)
    }

    fn summary(&self) -> pb::ImportMembershipsResponse {
        answer(Answer::Summary(Summary {
            processed_count: self.processed,
            changed_count: self.changed,
            unchanged_count: self.unchanged(),
            rejected_count: self.rejected,
            revision: self.revision,
        }))
    }
}

fn answer(message: Answer) -> pb::ImportMembershipsResponse {
    pb::ImportMembershipsResponse {
        message: Some(message),
    }
}

impl From<pb::ImportMembershipsRequest> for Message<pb::Assignment> {
    fn from(request: pb::ImportMembershipsRequest) -> Self {
        match request.message {
            Some(Sent::Start(_)) => Message::Start,
            Some(Sent::Chunk(chunk)) => Message::Chunk(chunk.assignments),
            Some(Sent::Finish(_)) => Message::Finish,
            None => Message::Empty,
        }
    }
}
