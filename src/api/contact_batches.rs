//! Batches of contacts to create: one outcome an item, also for items that are not well formed.

use std::collections::HashMap;

use prost::Message;
use tonic::{Request, Response};

use super::{
    Api, RpcResult, assignments::former_name, contact_fields::details, contact_sizes,
    convert::to_wire_count, field::optional, request::split_change, status::contact_field,
};
use crate::{
    domain::{
        Violation,
        contacts::{CreateOutcome, create_many},
    },
    model::{ContactDetails, ContactId},
    pb::{self, CreateContactOutcome},
};

/// Handles `BatchCreateContacts`.
pub(super) async fn create(
    api: &Api,
    request: Request<pb::BatchCreateContactsRequest>,
) -> RpcResult<pb::BatchCreateContactsResponse> {
    let (call, request, key) = split_change(request)?;
    let bytes = request.contacts.iter().map(Message::encoded_len);
    contact_sizes::check_batch("contacts", bytes.map(|it| it + contact_sizes::OTHER_BYTES))?;
    let items: Vec<_> = request.contacts.iter().map(item).collect();
    let good = items.iter().flatten().cloned().collect();
    let reuse = request.reuse_former;
    let (outcomes, revision) = create_many(&api.domain, &call, good, reuse, key).await?;
    let created = |it: &&CreateOutcome| matches!(it, CreateOutcome::Created(_));
    let created_count = to_wire_count(outcomes.iter().filter(created).count() as u64);
    let mut outcomes = outcomes.into_iter();
    let result = |item| match item {
        Ok(_) => outcomes.next().map(Into::into).unwrap_or_default(),
        Err(violation) => invalid(violation),
    };
    Ok(Response::new(pb::BatchCreateContactsResponse {
        results: items.into_iter().map(result).collect(),
        created_count,
        revision,
    }))
}

/// A contact to create, or the first thing that is wrong with it.
fn item(contact: &pb::Contact) -> Result<(Option<ContactId>, ContactDetails), Violation> {
    let id = optional(&contact.id, "id")?;
    let details = details(contact, "").map_err(|mut all| all.swap_remove(0))?;
    Ok((id, details))
}

fn invalid(violation: Violation) -> pb::CreateContactResult {
    pb::CreateContactResult {
        outcome: CreateContactOutcome::Invalid.into(),
        contact: None,
        field: violation.field,
        message: violation.reason,
        metadata: HashMap::new(),
    }
}

impl From<CreateOutcome> for pb::CreateContactResult {
    fn from(outcome: CreateOutcome) -> Self {
        match outcome {
            CreateOutcome::Created(contact) => Self {
                outcome: CreateContactOutcome::Created.into(),
                contact: contact.map(|contact| (*contact).into()),
                ..Self::default()
            },
            CreateOutcome::AlreadyExists => Self {
                outcome: CreateContactOutcome::AlreadyExists.into(),
                field: "id".to_owned(),
                message: "is in use, or is that of an earlier item".to_owned(),
                ..Self::default()
            },
            CreateOutcome::Merged(name) => Self {
                outcome: CreateContactOutcome::ContactMerged.into(),
                field: "id".to_owned(),
                message: "is that of a merged contact".to_owned(),
                metadata: name.map(former_name).unwrap_or_default(),
                ..Self::default()
            },
            CreateOutcome::Refused(field, reason, name) => Self {
                metadata: name.map(former_name).unwrap_or_default(),
                ..invalid(Violation {
                    field: contact_field(field).to_owned(),
                    reason,
                })
            },
        }
    }
}
