//! The import of contacts.

use pb::{
    import_contacts_request::Message as Sent,
    import_contacts_response::{Message as Answer, Progress, Rejection, Summary},
};

use super::{
    Upload, former_name_metadata,
    messages::{ItemOptions, Message, UploadStart},
};
use crate::{
    api::{
        contact_fields::{contact_change, without_invalid_key},
        field::required,
        status::contact_field,
    },
    domain::{
        Refusal, Violation,
        imports::{ImportProgress, ItemRejection, RejectedName},
    },
    model::ContactRow,
    pb,
};

/// The upload of contacts.
pub(in crate::api) enum ContactImport {}

impl Upload for ContactImport {
    type Request = pb::ImportContactsRequest;
    type Sent = pb::Contact;
    type Name = String;
    type Item = ContactRow;
    type Response = pb::ImportContactsResponse;

    fn read(
        contact: pb::Contact,
        options: &ItemOptions,
    ) -> (String, Result<ContactRow, ItemRejection>) {
        let row = row(&contact, options).map_err(|Violation { field, reason }| ItemRejection {
            // What is kept of it has no content of the item.
            subject: without_invalid_key(field),
            reason,
            former_name: None,
        });
        (contact.id, row)
    }

    fn describe(refusal: Refusal) -> ItemRejection {
        ItemRejection {
            subject: contact_field(refusal.field()).to_owned(),
            reason: refusal.rule(),
            former_name: refusal.former_name().map(RejectedName::Contact),
        }
    }

    fn rejection(
        index: i64,
        id: Option<String>,
        ItemRejection {
            subject,
            reason,
            former_name,
        }: ItemRejection,
    ) -> pb::ImportContactsResponse {
        Answer::Rejection(Rejection {
            index,
            id: id.unwrap_or_default(),
            field: subject,
            message: reason,
            metadata: former_name.map(former_name_metadata).unwrap_or_default(),
        })
        .into()
    }

    fn progress(progress: ImportProgress, finished: bool) -> pb::ImportContactsResponse {
        Answer::Progress(Progress {
            processed_count: progress.processed_count,
            created_count: progress.created_count,
            updated_count: progress.updated_count,
            unchanged_count: progress.unchanged_count(),
            rejected_count: progress.rejected_count,
            revision: progress.revision,
            finished,
            superseded_count: progress.superseded_count,
        })
        .into()
    }

    fn summary(progress: ImportProgress) -> pb::ImportContactsResponse {
        Answer::Summary(Summary {
            processed_count: progress.processed_count,
            created_count: progress.created_count,
            updated_count: progress.updated_count,
            unchanged_count: progress.unchanged_count(),
            rejected_count: progress.rejected_count,
            revision: progress.revision,
            superseded_count: progress.superseded_count,
        })
        .into()
    }
}

fn row(contact: &pb::Contact, options: &ItemOptions) -> Result<ContactRow, Violation> {
    Ok(ContactRow {
        id: required(&contact.id, "id")?,
        change: contact_change(contact, &options.fields, "")?,
        reuse_former: options.reuse_former,
    })
}

impl From<Answer> for pb::ImportContactsResponse {
    fn from(message: Answer) -> Self {
        let message = Some(message);
        Self { message }
    }
}

impl From<pb::ImportContactsRequest> for Message<Vec<pb::Contact>> {
    fn from(request: pb::ImportContactsRequest) -> Self {
        match request.message {
            Some(Sent::Start(start)) => Self::Start(UploadStart {
                import_id: start.import_id,
                known_count: start.known_count,
                fingerprint: start.fingerprint,
                update_mask: start.update_mask,
                validate_only: start.validate_only,
                reuse_former: start.reuse_former,
            }),
            Some(Sent::Chunk(chunk)) => Self::Chunk(chunk.contacts),
            Some(Sent::Finish(_)) => Self::Finish,
            None => Self::Empty,
        }
    }
}
