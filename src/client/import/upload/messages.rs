//! The messages of the two import RPCs.

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{super::report::ImportCounts, UploadEvent, UploadItem};
use crate::{
    client::connection::TenantChannel,
    pb::{
        Assignment, Contact, ImportContactsRequest, ImportContactsResponse,
        ImportMembershipsRequest, ImportMembershipsResponse, contacts_client::ContactsClient,
        import_contacts_request as contacts, import_contacts_response as contacts_response,
        import_memberships_request as memberships,
        import_memberships_response as memberships_response,
        mailing_groups_client::MailingGroupsClient,
    },
};

#[tonic::async_trait]
impl UploadItem for Contact {
    type Request = ImportContactsRequest;
    type Response = ImportContactsResponse;

    fn start(import_id: String, known: u64) -> Self::Request {
        let known_count = i64::try_from(known).unwrap_or(i64::MAX);
        let start = contacts::Start {
            import_id,
            known_count,
            ..Default::default()
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
        channel: TenantChannel,
        requests: ReceiverStream<Self::Request>,
    ) -> Result<Streaming<Self::Response>, Status> {
        let opened = ContactsClient::new(channel)
            .import_contacts(requests)
            .await?;
        Ok(opened.into_inner())
    }

    fn event(response: Self::Response) -> Option<UploadEvent> {
        use contacts_response::Message;
        Some(match response.message? {
            Message::Progress(it) => UploadEvent::Progress(count(it.processed_count), it.into()),
            Message::Summary(it) => UploadEvent::Summary(count(it.processed_count), it.into()),
            Message::Rejection(it) => {
                UploadEvent::Rejection(count(it.index), field_and_reason(&it.field, it.reason))
            }
        })
    }
}

#[tonic::async_trait]
impl UploadItem for Assignment {
    type Request = ImportMembershipsRequest;
    type Response = ImportMembershipsResponse;

    fn start(import_id: String, known: u64) -> Self::Request {
        let known_count = i64::try_from(known).unwrap_or(i64::MAX);
        let start = memberships::Start {
            import_id,
            known_count,
            ..Default::default()
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
        channel: TenantChannel,
        requests: ReceiverStream<Self::Request>,
    ) -> Result<Streaming<Self::Response>, Status> {
        let opened = MailingGroupsClient::new(channel)
            .import_memberships(requests)
            .await?;
        Ok(opened.into_inner())
    }

    fn event(response: Self::Response) -> Option<UploadEvent> {
        use memberships_response::Message;
        Some(match response.message? {
            Message::Progress(it) => UploadEvent::Progress(count(it.processed_count), it.into()),
            Message::Summary(it) => UploadEvent::Summary(count(it.processed_count), it.into()),
            Message::Rejection(it) => {
                let outcome = it
                    .outcome()
                    .as_str_name()
                    .replace("ASSIGNMENT_OUTCOME_", "");
                UploadEvent::Rejection(count(it.index), field_and_reason(&outcome, it.reason))
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

macro_rules! counts_from {
    ($($message:ty, $created:ident, $updated:expr;)*) => {$(
        impl From<$message> for ImportCounts {
            fn from(message: $message) -> Self {
                let updated: fn(&$message) -> Option<u64> = $updated;
                Self {
                    created: count(message.$created),
                    updated: updated(&message),
                    unchanged: count(message.unchanged_count),
                    rejected: count(message.rejected_count),
                    revision: message.revision,
                }
            }
        }
    )*};
}

counts_from! {
    contacts_response::Progress, created_count, |it| Some(count(it.updated_count));
    contacts_response::Summary, created_count, |it| Some(count(it.updated_count));
    memberships_response::Progress, changed_count, |_| None;
    memberships_response::Summary, changed_count, |_| None;
}

/// Counts of the service are never negative.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn field_and_reason(field: &str, reason: String) -> String {
    match field.is_empty() {
        true => reason,
        false => format!("{field}: {reason}"),
    }
}
