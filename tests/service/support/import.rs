//! Filling a tenant by imports, and reading streams of members to their end.

use mailing_groups::pb::{
    self, import_contacts_request as contacts, import_contacts_response,
    import_memberships_request as memberships, import_memberships_response,
    stream_segment_members_response::Message,
};
use tonic::{Status, Streaming};

use super::Tenant;

/// Items in a chunk.
const CHUNK: usize = 2_000;

/// A whole stream of members.
#[derive(Debug, Default)]
pub(crate) struct Streamed {
    pub(crate) pages: Vec<pb::stream_segment_members_response::Page>,
    pub(crate) summary: pb::stream_segment_members_response::Summary,
    pub(crate) heartbeats: Vec<pb::stream_segment_members_response::Heartbeat>,
}

impl Streamed {
    /// The members' ids, in order.
    pub(crate) fn ids(&self) -> Vec<String> {
        let members = self.pages.iter().flat_map(|page| &page.members);
        members.map(|member| member.contact_id.clone()).collect()
    }

    /// Reads the rest of a stream: its summary must be the last message.
    pub(crate) async fn read(
        stream: &mut Streaming<pb::StreamSegmentMembersResponse>,
    ) -> Result<Self, Status> {
        let mut streamed = Self::default();
        let mut summary = None;
        while let Some(response) = stream.message().await? {
            assert_eq!(summary, None, "a message after the summary");
            match response.message.unwrap() {
                Message::Page(page) => streamed.pages.push(page),
                Message::Heartbeat(heartbeat) => streamed.heartbeats.push(heartbeat),
                Message::Summary(last) => summary = Some(last),
            }
        }
        streamed.summary = summary.expect("a summary before the end");
        Ok(streamed)
    }
}

/// A request for the members that an expression selects.
pub(crate) fn select(expression: &str) -> pb::StreamSegmentMembersRequest {
    select_with(expression, pb::SelectionOptions::default())
}

/// As [`select`], with options.
pub(crate) fn select_with(
    expression: &str,
    options: pb::SelectionOptions,
) -> pb::StreamSegmentMembersRequest {
    pb::StreamSegmentMembersRequest {
        selection: Some(pb::Selection::of_expression(expression, options)),
        ..Default::default()
    }
}

impl Tenant {
    /// Opens a stream of members.
    pub(crate) async fn open(
        &mut self,
        request: pb::StreamSegmentMembersRequest,
    ) -> Result<Streaming<pb::StreamSegmentMembersResponse>, Status> {
        let response = self.groups.stream_segment_members(request).await?;
        Ok(response.into_inner())
    }

    /// Reads a stream of members to its end.
    pub(crate) async fn stream(
        &mut self,
        request: pb::StreamSegmentMembersRequest,
    ) -> Result<Streamed, Status> {
        Streamed::read(&mut self.open(request).await?).await
    }

    /// Imports contacts; none may be rejected.
    pub(crate) async fn import_contacts(&mut self, all: &[pb::Contact]) {
        let chunk = |contacts: &[pb::Contact]| {
            let contacts = contacts.to_vec();
            contacts::Message::Chunk(contacts::Chunk { contacts })
        };
        let messages = std::iter::once(contacts::Message::Start(contacts::Start::default()))
            .chain(all.chunks(CHUNK).map(chunk))
            .chain([contacts::Message::Finish(contacts::Finish {})])
            .map(|message| pb::ImportContactsRequest {
                message: Some(message),
            });
        let requests = tokio_stream::iter(messages.collect::<Vec<_>>());
        let mut answers = self
            .contacts
            .import_contacts(requests)
            .await
            .unwrap()
            .into_inner();
        let mut processed = 0;
        while let Some(answer) = answers.message().await.unwrap() {
            match answer.message.unwrap() {
                import_contacts_response::Message::Summary(summary) => {
                    processed = summary.processed_count;
                }
                import_contacts_response::Message::Rejection(rejection) => panic!("{rejection:?}"),
                import_contacts_response::Message::Progress(_) => {}
            }
        }
        assert_eq!(processed, i64::try_from(all.len()).unwrap());
    }

    /// Imports pairs of contact and group; none may be rejected.
    pub(crate) async fn import_memberships(&mut self, pairs: &[(String, String)]) {
        let assignments: Vec<_> = pairs
            .iter()
            .map(|(id, code)| assignment(id, code))
            .collect();
        let chunk = |assignments: &[pb::Assignment]| {
            let assignments = assignments.to_vec();
            memberships::Message::Chunk(memberships::Chunk { assignments })
        };
        let messages = std::iter::once(memberships::Message::Start(memberships::Start::default()))
            .chain(assignments.chunks(CHUNK).map(chunk))
            .chain([memberships::Message::Finish(memberships::Finish {})])
            .map(|message| pb::ImportMembershipsRequest {
                message: Some(message),
            });
        let requests = tokio_stream::iter(messages.collect::<Vec<_>>());
        let mut answers = self
            .groups
            .import_memberships(requests)
            .await
            .unwrap()
            .into_inner();
        let mut processed = 0;
        while let Some(answer) = answers.message().await.unwrap() {
            match answer.message.unwrap() {
                import_memberships_response::Message::Summary(summary) => {
                    processed = summary.processed_count;
                }
                import_memberships_response::Message::Rejection(rejection) => {
                    panic!("{rejection:?}")
                }
                import_memberships_response::Message::Progress(_) => {}
            }
        }
        assert_eq!(processed, i64::try_from(pairs.len()).unwrap());
    }
}

/// A contact and a group to assign to it.
pub(crate) fn assignment(contact_id: &str, code: &str) -> pb::Assignment {
    pb::Assignment {
        contact_id: contact_id.into(),
        code: code.into(),
    }
}
