//! The messages of the two import RPCs. They have different types and the same form.

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{super::report::ImportCounts, ImportStart, UploadEvent, UploadItem};
use crate::{
    client::{connection::TenantChannel, rows},
    pb::{
        Assignment, Contact, ImportContactsRequest, ImportContactsResponse,
        ImportMembershipsRequest, ImportMembershipsResponse, contacts_client::ContactsClient,
        import_contacts_request as to_contacts, import_contacts_response as of_contacts,
        import_memberships_request as to_memberships,
        import_memberships_response as of_memberships, mailing_groups_client::MailingGroupsClient,
    },
};

/// Implements [`UploadItem`]: the RPC, its requests with the field of the items and other fields of
/// the start, its responses with the counts of created and of updated items, and the field and the
/// reason of a rejection.
macro_rules! upload_item {
    (
        $item:ident: $client:ident.$call:ident,
        $request:ident = $to:ident($items:ident $(, $start:ident)*),
        $response:ident = $of:ident($created:ident, $updated:expr),
        $rejection:expr
    ) => {
        #[tonic::async_trait]
        impl UploadItem for $item {
            type Request = $request;
            type Response = $response;

            fn start(start: ImportStart) -> $request {
                $to::Message::Start($to::Start {
                    import_id: start.import_id,
                    known_count: i64::try_from(start.known_count).unwrap_or(i64::MAX),
                    fingerprint: start.fingerprint,
                    validate_only: start.validate_only,
                    $($start: start.$start,)*
                })
                .into()
            }

            fn chunk($items: Vec<Self>) -> $request {
                $to::Message::Chunk($to::Chunk { $items }).into()
            }

            fn finish() -> $request {
                $to::Message::Finish($to::Finish {}).into()
            }

            async fn open(
                channel: TenantChannel,
                requests: ReceiverStream<$request>,
            ) -> Result<Streaming<$response>, Status> {
                let opened = $client::new(channel).$call(requests).await?;
                Ok(opened.into_inner())
            }

            fn event(response: $response) -> Option<UploadEvent> {
                Some(match response.message? {
                    $of::Message::Progress(it) => {
                        UploadEvent::Progress(count(it.processed_count), it.into())
                    }
                    $of::Message::Summary(it) => {
                        UploadEvent::Summary(count(it.processed_count), it.into())
                    }
                    $of::Message::Rejection(it) => {
                        let rejection: fn($of::Rejection) -> (String, String) = $rejection;
                        let (index, current) = (count(it.index), it.metadata.get("current").cloned());
                        let (field, text) = rejection(it);
                        let reason = rows::rejection(&field, text, current.as_ref());
                        UploadEvent::Rejection(index, reason)
                    }
                })
            }
        }

        impl From<$to::Message> for $request {
            fn from(message: $to::Message) -> Self {
                let message = Some(message);
                Self { message }
            }
        }

        upload_item! { @counts $of::Progress, $created, $updated }
        upload_item! { @counts $of::Summary, $created, $updated }
    };
    (@counts $message:ty, $created:ident, $updated:expr) => {
        impl From<$message> for ImportCounts {
            fn from(message: $message) -> Self {
                let updated: fn(&$message) -> Option<i64> = $updated;
                Self {
                    created: count(message.$created),
                    updated: updated(&message).map(count),
                    unchanged: count(message.unchanged_count),
                    rejected: count(message.rejected_count),
                    revision: message.revision,
                }
            }
        }
    };
}

upload_item! {
    Contact: ContactsClient.import_contacts,
    ImportContactsRequest = to_contacts(contacts, update_mask, reuse_former),
    ImportContactsResponse = of_contacts(created_count, |it| Some(it.updated_count)),
    |it| (it.field, it.message)
}

upload_item! {
    Assignment: MailingGroupsClient.import_memberships,
    ImportMembershipsRequest = to_memberships(assignments),
    ImportMembershipsResponse = of_memberships(changed_count, |_| None),
    |it| (rows::outcome(it.outcome()), it.message)
}

/// Counts of the service are never negative.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
