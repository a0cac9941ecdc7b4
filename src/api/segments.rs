//! The service `Segments`.

mod convert;
mod request;

use futures_util::stream::BoxStream;
use tonic::{Request, Response, Status};

use self::request::{add, sift};
use super::{
    Api,
    call::{once, open},
    compare,
    convert::{masked, signed},
    field::*,
    token::Binding,
};
use crate::{
    domain::segments,
    model::{ActionKind, CriteriaCode, SegmentId},
    pb::{self, segments_server::Segments},
};

/// What a handler answers.
type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Segments for Api {
    type CompareSegmentsStream = BoxStream<'static, Result<pb::CompareSegmentsResponse, Status>>;

    async fn create_segment(
        &self,
        request: Request<pb::CreateSegmentRequest>,
    ) -> Answer<pb::CreateSegmentResponse> {
        let (call, mut request) = open(request)?;
        let once = once("CreateSegment", &mut request, |r| &mut r.request_id)?;
        let segment = request.segment.unwrap_or_default();
        let id = optional(&segment.id, "segment.id")?;
        let description = required(&segment.description, "segment.description")?;
        let (segment, revision) =
            segments::create(&self.domain, &call, id, description, once).await?;
        Ok(Response::new(pb::CreateSegmentResponse {
            segment: Some(segment.into()),
            revision,
        }))
    }

    async fn get_segment(
        &self,
        request: Request<pb::GetSegmentRequest>,
    ) -> Answer<pb::GetSegmentResponse> {
        let (call, request) = open(request)?;
        let id = required(&request.id, "id")?;
        let segment = segments::get(&self.domain, &call, &id).await?;
        Ok(Response::new(pb::GetSegmentResponse {
            segment: Some(segment.into()),
        }))
    }

    async fn list_segments(
        &self,
        request: Request<pb::ListSegmentsRequest>,
    ) -> Answer<pb::ListSegmentsResponse> {
        let (call, mut request) = open(request)?;
        let size = page_size(std::mem::take(&mut request.page_size))?;
        let token = std::mem::take(&mut request.page_token);
        let binding = Binding::new("ListSegments", &call, &request);
        let after = binding.read::<SegmentId>(&token, "page_token")?;
        let prefix = searched(request.prefix, "prefix")?;
        let mut found = segments::list(&self.domain, &call, &prefix, after.as_ref(), size).await?;
        let next_page_token = binding.next(&mut found, size, |it| it.segment.id.as_str());
        Ok(Response::new(pb::ListSegmentsResponse {
            segments: found.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }

    async fn update_segment(
        &self,
        request: Request<pb::UpdateSegmentRequest>,
    ) -> Answer<pb::UpdateSegmentResponse> {
        let (call, request) = open(request)?;
        let segment = present(request.segment, "segment")?;
        let id = required(&segment.id, "segment.id")?;
        let set = [!segment.description.is_empty()];
        let [described] = masked(request.update_mask.as_ref(), ["description"], set)?;
        let description = described
            .then(|| required(&segment.description, "segment.description"))
            .transpose()?;
        let etag = etag(&segment.etag);
        let (segment, revision) =
            segments::update(&self.domain, &call, &id, description, etag).await?;
        Ok(Response::new(pb::UpdateSegmentResponse {
            segment: Some(segment.into()),
            revision,
        }))
    }

    async fn delete_segment(
        &self,
        request: Request<pb::DeleteSegmentRequest>,
    ) -> Answer<pb::DeleteSegmentResponse> {
        let (call, request) = open(request)?;
        let id = required(&request.id, "id")?;
        let etag = etag(&request.etag);
        let ((), revision) = segments::delete(&self.domain, &call, &id, etag).await?;
        Ok(Response::new(pb::DeleteSegmentResponse { revision }))
    }

    async fn add_contacts(
        &self,
        request: Request<pb::AddContactsRequest>,
    ) -> Answer<pb::AddContactsResponse> {
        let (call, request) = open(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let action = add(&request)?;
        let only = request.validate_only;
        let acted = segments::act(&self.domain, &call, &id, action, only).await?;
        Ok(Response::new(acted.into()))
    }

    async fn reduce_contacts(
        &self,
        request: Request<pb::ReduceContactsRequest>,
    ) -> Answer<pb::ReduceContactsResponse> {
        let (call, request) = open(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let (kind, entire) = (ActionKind::Reduce, request.entire_companies);
        let action = sift(kind, &request.expression, entire)?;
        let only = request.validate_only;
        let acted = segments::act(&self.domain, &call, &id, action, only).await?;
        Ok(Response::new(acted.into()))
    }

    async fn refine_contacts(
        &self,
        request: Request<pb::RefineContactsRequest>,
    ) -> Answer<pb::RefineContactsResponse> {
        let (call, request) = open(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let (kind, entire) = (ActionKind::Refine, request.entire_companies);
        let action = sift(kind, &request.expression, entire)?;
        let only = request.validate_only;
        let acted = segments::act(&self.domain, &call, &id, action, only).await?;
        Ok(Response::new(acted.into()))
    }

    async fn go_back(&self, request: Request<pb::GoBackRequest>) -> Answer<pb::GoBackResponse> {
        let (call, request) = open(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let acted = segments::go_back(&self.domain, &call, &id, request.validate_only).await?;
        Ok(Response::new(acted.into()))
    }

    async fn list_segment_actions(
        &self,
        request: Request<pb::ListSegmentActionsRequest>,
    ) -> Answer<pb::ListSegmentActionsResponse> {
        let (call, mut request) = open(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let size = page_size(std::mem::take(&mut request.page_size))?;
        let token = std::mem::take(&mut request.page_token);
        let binding = Binding::new("ListSegmentActions", &call, &request);
        let after = binding.read::<i32>(&token, "page_token")?.unwrap_or(0);
        let mut found = segments::list_actions(&self.domain, &call, &id, after, size).await?;
        let more = found.len() > size.get();
        found.truncate(size.get());
        let last = found.last().filter(|_| more);
        let next_page_token = last.map(|(action, _)| binding.issue(&action.number.to_string()));
        Ok(Response::new(pb::ListSegmentActionsResponse {
            actions: found.into_iter().map(Into::into).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        }))
    }

    async fn apply_mailing_group(
        &self,
        request: Request<pb::ApplyMailingGroupRequest>,
    ) -> Answer<pb::ApplyMailingGroupResponse> {
        let (call, request) = open(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let code = required(&request.code, "code")?;
        let (replace, only) = (request.replace, request.validate_only);
        let (applied, revision) =
            segments::apply(&self.domain, &call, &id, &code, replace, only).await?;
        Ok(Response::new(pb::ApplyMailingGroupResponse {
            added_count: signed(applied.added),
            removed_count: signed(applied.removed),
            revision,
        }))
    }

    async fn save_criteria(
        &self,
        request: Request<pb::SaveCriteriaRequest>,
    ) -> Answer<pb::SaveCriteriaResponse> {
        let (call, request) = open(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let code = required(&request.code, "code")?;
        let description = required(&request.description, "description")?;
        let (saved, revision) =
            segments::save_criteria(&self.domain, &call, &id, &code, &description).await?;
        Ok(Response::new(pb::SaveCriteriaResponse {
            saved_criteria: Some(saved.into()),
            revision,
        }))
    }

    async fn list_saved_criteria(
        &self,
        request: Request<pb::ListSavedCriteriaRequest>,
    ) -> Answer<pb::ListSavedCriteriaResponse> {
        let (call, mut request) = open(request)?;
        let size = page_size(std::mem::take(&mut request.page_size))?;
        let token = std::mem::take(&mut request.page_token);
        let binding = Binding::new("ListSavedCriteria", &call, &request);
        let after = binding.read::<CriteriaCode>(&token, "page_token")?;
        let mut found = segments::list_criteria(&self.domain, &call, after.as_ref(), size).await?;
        let next_page_token = binding.next(&mut found, size, |saved| saved.code.as_str());
        Ok(Response::new(pb::ListSavedCriteriaResponse {
            saved_criteria: found.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }

    async fn delete_saved_criteria(
        &self,
        request: Request<pb::DeleteSavedCriteriaRequest>,
    ) -> Answer<pb::DeleteSavedCriteriaResponse> {
        let (call, request) = open(request)?;
        let code = required(&request.code, "code")?;
        let ((), revision) = segments::delete_criteria(&self.domain, &call, &code).await?;
        Ok(Response::new(pb::DeleteSavedCriteriaResponse { revision }))
    }

    async fn replay_criteria(
        &self,
        request: Request<pb::ReplayCriteriaRequest>,
    ) -> Answer<pb::ReplayCriteriaResponse> {
        let (call, request) = open(request)?;
        let code = required(&request.code, "code")?;
        let id = required(&request.segment_id, "segment_id")?;
        let only = request.validate_only;
        let replayed = segments::replay(&self.domain, &call, &code, &id, only).await?;
        Ok(Response::new(replayed.into()))
    }

    async fn compare_segments(
        &self,
        request: Request<pb::CompareSegmentsRequest>,
    ) -> Answer<Self::CompareSegmentsStream> {
        let (call, request) = open(request)?;
        let (domain, shutdown) = (self.domain.clone(), self.shutdown.clone());
        let stream = compare::stream(domain, call, request, shutdown).await?;
        Ok(Response::new(stream))
    }
}
