//! The import of memberships.

use pb::{
    AssignmentOutcome,
    import_memberships_request::Message as Sent,
    import_memberships_response::{Message as Answer, Progress, Rejection, Summary},
};

use super::{
    Upload, former_name_metadata,
    messages::{ItemOptions, Message, UploadStart},
};
use crate::{
    api::{assignments, convert::assignment},
    domain::imports::{ImportProgress, ItemRejection, RejectedName},
    model::{self, Assignment},
    pb,
};

/// The upload of memberships.
pub(in crate::api) enum MembershipImport {}

impl Upload for MembershipImport {
    type Request = pb::ImportMembershipsRequest;
    type Sent = pb::Assignment;
    type Name = pb::Assignment;
    type Item = Assignment;
    type Response = pb::ImportMembershipsResponse;

    fn read(
        sent: pb::Assignment,
        _: &ItemOptions,
    ) -> (pb::Assignment, Result<Assignment, ItemRejection>) {
        let read = assignment(&sent.contact_id, &sent.code, "");
        let read = read.map_err(|violation| assignments::invalid(&violation).into());
        (sent, read)
    }

    fn describe(outcome: model::AssignmentOutcome) -> ItemRejection {
        use model::AssignmentOutcome::{ContactMerged, GroupRenamed};
        let former_name = match &outcome {
            ContactMerged(name) => name.clone().map(RejectedName::Contact),
            GroupRenamed(name) => Some(RejectedName::MailingGroup(name.clone())),
            model::AssignmentOutcome::Changed
            | model::AssignmentOutcome::Unchanged
            | model::AssignmentOutcome::UnknownContact
            | model::AssignmentOutcome::UnknownGroup => None,
        };
        ItemRejection {
            former_name,
            ..pb::AssignmentResult::from(outcome).into()
        }
    }

    fn rejection(
        index: i64,
        assignment: Option<pb::Assignment>,
        rejection: ItemRejection,
    ) -> pb::ImportMembershipsResponse {
        let outcome = AssignmentOutcome::from_str_name(&rejection.subject).unwrap_or_default();
        let former_name = rejection.former_name;
        Answer::Rejection(Rejection {
            index,
            assignment,
            outcome: outcome.into(),
            message: rejection.reason,
            metadata: former_name.map(former_name_metadata).unwrap_or_default(),
        })
        .into()
    }

    fn progress(progress: ImportProgress, finished: bool) -> pb::ImportMembershipsResponse {
        Answer::Progress(Progress {
            processed_count: progress.processed_count,
            changed_count: progress.created_count,
            unchanged_count: progress.unchanged_count(),
            rejected_count: progress.rejected_count,
            revision: progress.revision,
            finished,
        })
        .into()
    }

    fn summary(progress: ImportProgress) -> pb::ImportMembershipsResponse {
        Answer::Summary(Summary {
            processed_count: progress.processed_count,
            changed_count: progress.created_count,
            unchanged_count: progress.unchanged_count(),
            rejected_count: progress.rejected_count,
            revision: progress.revision,
        })
        .into()
    }
}

impl From<pb::AssignmentResult> for ItemRejection {
    fn from(result: pb::AssignmentResult) -> Self {
        Self {
            subject: result.outcome().as_str_name().to_owned(),
            reason: result.message,
            former_name: None,
        }
    }
}

impl From<Answer> for pb::ImportMembershipsResponse {
    fn from(message: Answer) -> Self {
        let message = Some(message);
        Self { message }
    }
}

impl From<pb::ImportMembershipsRequest> for Message<Vec<pb::Assignment>> {
    fn from(request: pb::ImportMembershipsRequest) -> Self {
        match request.message {
            Some(Sent::Start(start)) => Self::Start(UploadStart {
                import_id: start.import_id,
                known_count: start.known_count,
                fingerprint: start.fingerprint,
                update_mask: None,
                validate_only: start.validate_only,
                reuse_former: false,
            }),
            Some(Sent::Chunk(chunk)) => Self::Chunk(chunk.assignments),
            Some(Sent::Finish(_)) => Self::Finish,
            None => Self::Empty,
        }
    }
}
