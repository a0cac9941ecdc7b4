//! The service `Contacts`.

use futures_util::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::{
    Api,
    call::{once, open},
    convert::{contact_change, details, optional_kind},
    export,
    field::*,
    import::{self, contacts::ContactImport},
    token::Binding,
};
use crate::{
    domain::{Error, contacts},
    model::ContactId,
    pb::{self, contacts_server::Contacts},
};

/// What a handler answers.
type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Contacts for Api {
    type ImportContactsStream = BoxStream<'static, Result<pb::ImportContactsResponse, Status>>;
    type ExportContactsStream = BoxStream<'static, Result<pb::ExportContactsResponse, Status>>;

    async fn create_contact(
        &self,
        request: Request<pb::CreateContactRequest>,
    ) -> Answer<pb::CreateContactResponse> {
        let (call, mut request) = open(request)?;
        let once = once("CreateContact", &mut request, |r| &mut r.request_id)?;
        let contact = present(request.contact, "contact")?;
        let id = optional(&contact.id, "contact.id")?;
        let details = details(&contact, "contact.").map_err(Error::Invalid)?;
        let (contact, revision) = contacts::create(&self.domain, &call, id, details, once).await?;
        let contact = Some(contact.into());
        Ok(Response::new(pb::CreateContactResponse {
            contact,
            revision,
        }))
    }

    async fn get_contact(
        &self,
        request: Request<pb::GetContactRequest>,
    ) -> Answer<pb::GetContactResponse> {
        let (call, request) = open(request)?;
        let id = required(&request.id, "id")?;
        let contact = contacts::get(&self.domain, &call, &id).await?;
        Ok(Response::new(pb::GetContactResponse {
            contact: Some(contact.into()),
        }))
    }

    async fn list_contacts(
        &self,
        request: Request<pb::ListContactsRequest>,
    ) -> Answer<pb::ListContactsResponse> {
        let (call, mut request) = open(request)?;
        let size = page_size(std::mem::take(&mut request.page_size))?;
        let token = std::mem::take(&mut request.page_token);
        let binding = Binding::new("ListContacts", &call, &request);
        let after = binding.read::<ContactId>(&token, "page_token")?;
        let filter = contacts::Filter {
            kind: optional_kind(request.kind, "kind")?,
            company_id: optional(&request.company_id, "company_id")?,
            code: optional(&request.code, "code")?,
            prefix: searched(request.prefix, "prefix")?,
            name_contains: searched(request.name_contains, "name_contains")?,
        };
        let mut found = contacts::list(&self.domain, &call, filter, after.as_ref(), size).await?;
        let next_page_token = binding.next(&mut found, size, |contact| contact.id.as_str());
        let contacts = found.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListContactsResponse {
            contacts,
            next_page_token,
        }))
    }

    async fn update_contact(
        &self,
        request: Request<pb::UpdateContactRequest>,
    ) -> Answer<pb::UpdateContactResponse> {
        let (call, request) = open(request)?;
        let contact = present(request.contact, "contact")?;
        let id = required(&contact.id, "contact.id")?;
        let or_create = request.allow_missing.then(|| details(&contact, "contact."));
        let change = contact_change(&contact, request.update_mask.as_ref())?;
        let etag = etag(&contact.etag);
        let (contact, revision) =
            contacts::update(&self.domain, &call, &id, change, etag, or_create).await?;
        let contact = Some(contact.into());
        Ok(Response::new(pb::UpdateContactResponse {
            contact,
            revision,
        }))
    }

    async fn delete_contact(
        &self,
        request: Request<pb::DeleteContactRequest>,
    ) -> Answer<pb::DeleteContactResponse> {
        let (call, request) = open(request)?;
        let id = required(&request.id, "id")?;
        let etag = etag(&request.etag);
        let (deleted, revision) =
            contacts::delete(&self.domain, &call, &id, etag, request.force).await?;
        Ok(Response::new(pb::DeleteContactResponse {
            revision,
            unassigned_count: count(deleted.unassigned),
            detached_person_count: count(deleted.detached),
        }))
    }

    async fn merge_contacts(
        &self,
        request: Request<pb::MergeContactsRequest>,
    ) -> Answer<pb::MergeContactsResponse> {
        let (call, request) = open(request)?;
        let kept_id = required(&request.kept_id, "kept_id")?;
        let merged_id = required(&request.merged_id, "merged_id")?;
        let (merged, revision) = contacts::merge(&self.domain, &call, &kept_id, &merged_id).await?;
        Ok(Response::new(pb::MergeContactsResponse {
            contact: Some(merged.contact.into()),
            moved_codes: merged.moved.into_iter().map(Into::into).collect(),
            revision,
            common_codes: merged.common.into_iter().map(Into::into).collect(),
            moved_person_count: count(merged.moved_people),
            company_taken_over: merged.company_taken_over,
        }))
    }

    async fn import_contacts(
        &self,
        request: Request<Streaming<pb::ImportContactsRequest>>,
    ) -> Answer<Self::ImportContactsStream> {
        let (call, requests) = open(request)?;
        let (domain, shutdown) = (self.domain.clone(), self.shutdown.clone());
        let answers = import::run::<ContactImport>(domain, call, requests, shutdown);
        Ok(Response::new(answers))
    }

    async fn export_contacts(
        &self,
        request: Request<pb::ExportContactsRequest>,
    ) -> Answer<Self::ExportContactsStream> {
        let (call, request) = open(request)?;
        let (domain, shutdown) = (self.domain.clone(), self.shutdown.clone());
        let messages = export::stream(domain, call, request, shutdown).await?;
        Ok(Response::new(messages))
    }
}

/// A count that cannot exceed the contacts of a tenant, which have 31-bit numbers.
fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
