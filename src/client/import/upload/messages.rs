//! The messages of the two import RPCs.

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{super::report::Tally, Event, Upload};
use crate::{
    client::connection::TenantChannel,
    pb::{
        Assignment, Contact, ImportContactsRequest, ImportContactsResponse,
        ImportMembershipsRequest, ImportMembershipsResponse, contacts_client::ContactsClient,
        import_contacts_request as contacts, import_contacts_response as contacts_answer,
        import_memberships_request as memberships,
        import_memberships_response as memberships_answer,
        mailing_groups_client::MailingGroupsClient,
    },
};

#[tonic::async_trait]
impl Upload for Contact {
    type Request = ImportContactsRequest;
    type Response = ImportContactsResponse;

    fn start(import_id: String, known: u64) -> Self::Request {
        let known_count = i64::try_from(known).unwrap_or(i64::MAX);
        let start = contacts::Start {
            import_id,
            known_count,
        };
        contacts::Message::Start(start).into()
    }

    fn chunk(contacts: Vec<Self>) -> Self::Request {
        contacts::Message::Chunk(contacts::Chunk { contacts }).into()
    }

    fn finish() -> Self::Request {
        contacts::Message::Finish(contacts::Finish {}).into()
    }

    async fn open(
        link: TenantChannel,
        requests: ReceiverStream<Self::Request>,
    ) -> Result<Streaming<Self::Response>, Status> {
        let opened = ContactsClient::new(link).import_contacts(requests).await?;
        Ok(opened.into_inner())
    }

    fn event(response: Self::Response) -> Option<Event> {
        use contacts_answer::Message;
        Some(match response.message? {
            Message::Progress(it) => Event::Progress(count(it.processed_count), it.into()),
            Message::Summary(it) => Event::Summary(count(it.processed_count), it.into()),
            Message::Rejection(it) => {
                Event::Rejection(count(it.index), named(&it.field, it.reason))
            }
        })
    }
}

#[tonic::async_trait]
impl Upload for Assignment {
    type Request = ImportMembershipsRequest;
    type Response = ImportMembershipsResponse;

    fn start(import_id: String, known: u64) -> Self::Request {
        let known_count = i64::try_from(known).unwrap_or(i64::MAX);
        let start = memberships::Start {
            import_id,
            known_count,
        };
        memberships::Message::Start(start).into()
    }

    fn chunk(assignments: Vec<Self>) -> Self::Request {
        memberships::Message::Chunk(memberships::Chunk { assignments }).into()
    }

    fn finish() -> Self::Request {
        memberships::Message::Finish(memberships::Finish {}).into()
    }

    async fn open(
        link: TenantChannel,
        requests: ReceiverStream<Self::Request>,
    ) -> Result<Streaming<Self::Response>, Status> {
        let opened = MailingGroupsClient::new(link)
            .import_memberships(requests)
            .await?;
        Ok(opened.into_inner())
    }

    fn event(response: Self::Response) -> Option<Event> {
        use memberships_answer::Message;
        Some(match response.message? {
            Message::Progress(it) => Event::Progress(count(it.processed_count), it.into()),
            Message::Summary(it) => Event::Summary(count(it.processed_count), it.into()),
            Message::Rejection(it) => {
                let outcome = it
                    .outcome()
                    .as_str_name()
                    .replace("ASSIGNMENT_OUTCOME_", "");
                Event::Rejection(count(it.index), named(&outcome, it.reason))
            }
        })
    }
}

impl From<contacts::Message> for ImportContactsRequest {
    fn from(message: contacts::Message) -> Self {
        let message = Some(message);
        Self { message }
    }
}

impl From<memberships::Message> for ImportMembershipsRequest {
    fn from(message: memberships::Message) -> Self {
        let message = Some(message);
        Self { message }
    }
}

impl From<contacts_answer::Progress> for Tally {
    fn from(it: contacts_answer::Progress) -> Self {
        Self {
            created: count(it.created_count),
            updated: Some(count(it.updated_count)),
            unchanged: count(it.unchanged_count),
            rejected: count(it.rejected_count),
            revision: it.revision,
        }
    }
}

impl From<contacts_answer::Summary> for Tally {
    fn from(it: contacts_answer::Summary) -> Self {
        Self {
            created: count(it.created_count),
            updated: Some(count(it.updated_count)),
            unchanged: count(it.unchanged_count),
            rejected: count(it.rejected_count),
            revision: it.revision,
        }
    }
}

impl From<memberships_answer::Progress> for Tally {
    fn from(it: memberships_answer::Progress) -> Self {
        Self {
            created: count(it.changed_count),
            updated: None,
            unchanged: count(it.unchanged_count),
            rejected: count(it.rejected_count),
            revision: it.revision,
        }
    }
}

impl From<memberships_answer::Summary> for Tally {
    fn from(it: memberships_answer::Summary) -> Self {
        Self {
            created: count(it.changed_count),
            updated: None,
            unchanged: count(it.unchanged_count),
            rejected: count(it.rejected_count),
            revision: it.revision,
        }
    }
}

/// The wire's counts are never negative.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn named(field: &str, reason: String) -> String {
    match field.is_empty() {
        true => reason,
        false => format!("{field}: {reason}"),
    }
}
