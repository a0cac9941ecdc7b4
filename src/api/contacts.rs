//! The service `Contacts`.

use tonic::{Request, Response, Streaming};

use super::{
    Api, RpcResult, contact_batches,
    contact_fields::{contact_update, details},
    contact_sizes,
    convert::{optional_kind, to_wire_count},
    export,
    field::{etag, optional, required, required_each, required_message, search_text},
    import::{self, contacts::ContactImport},
    lists::current_names,
    request::{split_change, split_request},
    status::contact_field,
    stream::ResponseStream,
    token::ListPage,
};
use crate::{
    domain::{ContactField, Error, contacts},
    model::{AttributeKey, ContactId, CountedText},
    pb::{self, contacts_server::Contacts},
};

#[tonic::async_trait]
impl Contacts for Api {
    type ImportContactsStream = ResponseStream<pb::ImportContactsResponse>;
    type ExportContactsStream = ResponseStream<pb::ExportContactsResponse>;

    async fn create_contact(
        &self,
        request: Request<pb::CreateContactRequest>,
    ) -> RpcResult<pb::CreateContactResponse> {
        let (call, request, key) = split_change(request)?;
        let contact = required_message(request.contact, "contact")?;
        let id = optional(&contact.id, "contact.id")?;
        let details = details(&contact, "contact.").map_err(Error::Invalid)?;
        let reuse = request.reuse_former;
        let (contact, revision) =
            contacts::create(&self.domain, &call, id, details, reuse, key).await?;
        let contact = Some(contact.into());
        Ok(Response::new(pb::CreateContactResponse {
            contact,
            revision,
        }))
    }

    async fn batch_create_contacts(
        &self,
        request: Request<pb::BatchCreateContactsRequest>,
    ) -> RpcResult<pb::BatchCreateContactsResponse> {
        contact_batches::create(self, request).await
    }

    async fn get_contact(
        &self,
        request: Request<pb::GetContactRequest>,
    ) -> RpcResult<pb::GetContactResponse> {
        let (call, request) = split_request(request)?;
        let id = required(&request.id, "id")?;
        let contact = contacts::get(&self.domain, &call, &id).await?;
        Ok(Response::new(pb::GetContactResponse {
            contact: Some(contact.into()),
        }))
    }

    async fn batch_get_contacts(
        &self,
        request: Request<pb::BatchGetContactsRequest>,
    ) -> RpcResult<pb::BatchGetContactsResponse> {
        let (call, request) = split_request(request)?;
        let ids = required_each(&request.ids, "ids")?;
        let found = contacts::get_all(&self.domain, &call, ids).await?;
        contact_sizes::check_batch("ids", found.found.iter().map(contact_sizes::bytes))?;
        Ok(Response::new(pb::BatchGetContactsResponse {
            contacts: found.found.into_iter().map(Into::into).collect(),
            missing_ids: found.missing.into_iter().map(Into::into).collect(),
            current_ids: current_names(found.current),
        }))
    }

    async fn list_contacts(
        &self,
        request: Request<pb::ListContactsRequest>,
    ) -> RpcResult<pb::ListContactsResponse> {
        let (call, mut request) = split_request(request)?;
        let page = ListPage::<ContactId>::take(&call, &mut request)?;
        let filter = contacts::ListFilter {
            kind: optional_kind(request.kind, "kind")?,
            company_id: optional(&request.company_id, "company_id")?,
            code: optional(&request.code, "code")?,
            prefix: search_text(request.prefix, "prefix")?,
            name_contains: search_text(request.name_contains, "name_contains")?,
            email: optional(&request.email, "email")?,
        };
        let found =
            contacts::list(&self.domain, &call, filter, page.after.as_ref(), page.size).await?;
        let (contacts, next_page_token) = contact_sizes::list_page(&page, found);
        Ok(Response::new(pb::ListContactsResponse {
            contacts,
            next_page_token,
        }))
    }

    async fn list_attribute_values(
        &self,
        request: Request<pb::ListAttributeValuesRequest>,
    ) -> RpcResult<pb::ListAttributeValuesResponse> {
        let (call, mut request) = split_request(request)?;
        let page = ListPage::<String>::take(&call, &mut request)?;
        let key: Option<AttributeKey> = optional(&request.key, "key")?;
        let (key, after) = (key.as_ref(), page.after.as_ref());
        let found = contacts::attribute_values(&self.domain, &call, key, after, page.size);
        let mut found = found.await?;
        let next_page_token = page.next_token(&mut found, |it| &it.text);
        let of_key = |it: CountedText| {
            let (key, value) = match key {
                Some(key) => (key.to_string(), it.text),
                None => (it.text, String::new()),
            };
            let contact_count = it.contact_count;
            pb::AttributeValue {
                key,
                value,
                contact_count,
            }
        };
        Ok(Response::new(pb::ListAttributeValuesResponse {
            attribute_values: found.into_iter().map(of_key).collect(),
            next_page_token,
        }))
    }

    async fn update_contact(
        &self,
        request: Request<pb::UpdateContactRequest>,
    ) -> RpcResult<pb::UpdateContactResponse> {
        let (call, request, key) = split_change(request)?;
        let contact = required_message(request.contact, "contact")?;
        let id = required(&contact.id, "contact.id")?;
        let or_create = request
            .allow_missing
            .then(|| (details(&contact, "contact."), request.reuse_former));
        let change = contact_update(&contact, request.update_mask.as_ref())?;
        let etag = etag(&contact.etag);
        let (contact, revision) =
            contacts::update(&self.domain, &call, &id, change, etag, or_create, key).await?;
        let contact = Some(contact.into());
        Ok(Response::new(pb::UpdateContactResponse {
            contact,
            revision,
        }))
    }

    async fn delete_contact(
        &self,
        request: Request<pb::DeleteContactRequest>,
    ) -> RpcResult<pb::DeleteContactResponse> {
        let (call, request, key) = split_change(request)?;
        let id = required(&request.id, "id")?;
        let etag = etag(&request.etag);
        let (deleted, revision) =
            contacts::delete(&self.domain, &call, &id, etag, request.force, key).await?;
        Ok(Response::new(pb::DeleteContactResponse {
            revision,
            unassigned_count: to_wire_count(deleted.unassigned as u64),
            detached_person_count: to_wire_count(deleted.detached as u64),
        }))
    }

    async fn merge_contacts(
        &self,
        request: Request<pb::MergeContactsRequest>,
    ) -> RpcResult<pb::MergeContactsResponse> {
        let (call, request, key) = split_change(request)?;
        let kept_id = required(&request.kept_id, "kept_id")?;
        let merged_id = required(&request.merged_id, "merged_id")?;
        let path = |field| contact_field(field).to_owned();
        let (merged, revision) =
            contacts::merge(&self.domain, &call, &kept_id, &merged_id, key).await?;
        Ok(Response::new(pb::MergeContactsResponse {
            contact: Some(merged.contact.into()),
            moved_codes: merged.moved.into_iter().map(Into::into).collect(),
            revision,
            common_codes: merged.common.into_iter().map(Into::into).collect(),
            moved_person_count: to_wire_count(merged.moved_people as u64),
            company_taken_over: merged.taken_over.contains(&ContactField::CompanyId),
            fields_taken_over: Some(prost_types::FieldMask {
                paths: merged.taken_over.into_iter().map(path).collect(),
            }),
        }))
    }

    async fn import_contacts(
        &self,
        request: Request<Streaming<pb::ImportContactsRequest>>,
    ) -> RpcResult<Self::ImportContactsStream> {
        let (call, requests) = split_request(request)?;
        let (domain, shutdown) = (self.domain.clone(), self.shutdown.clone());
        let answers = import::run::<ContactImport>(domain, call, requests, shutdown);
        Ok(Response::new(answers))
    }

    async fn export_contacts(
        &self,
        request: Request<pb::ExportContactsRequest>,
    ) -> RpcResult<Self::ExportContactsStream> {
        let (call, request) = split_request(request)?;
        let (domain, shutdown) = (self.domain.clone(), self.shutdown.clone());
        let messages = export::stream(domain, call, request, shutdown).await?;
        Ok(Response::new(messages))
    }
}
