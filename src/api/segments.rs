//! The service `Segments`.

mod convert;

use tonic::{Request, Response};

use super::{
    Api, RpcResult, apply, compare,
    convert::apply_field_mask,
    field::{etag, optional, required, required_message, search_text},
    request::{action_number, add_action, filter_action, split_change, split_request},
    stream::ResponseStream,
    token::ListPage,
};
use crate::{
    domain::segments,
    model::{ActionKind, CriteriaCode, SegmentId},
    pb::{self, segments_server::Segments},
};

/// Actions in a page: with expressions of 4 KiB each, more would not fit in a message.
const MAX_ACTIONS: i32 = 500;

#[tonic::async_trait]
impl Segments for Api {
    type CompareSegmentsStream = ResponseStream<pb::CompareSegmentsResponse>;
    type ApplyMailingGroupStream = ResponseStream<pb::ApplyMailingGroupResponse>;

    async fn create_segment(
        &self,
        request: Request<pb::CreateSegmentRequest>,
    ) -> RpcResult<pb::CreateSegmentResponse> {
        let (call, request, key) = split_change(request)?;
        let segment = request.segment.unwrap_or_default();
        let id = optional(&segment.id, "segment.id")?;
        let description = required(&segment.description, "segment.description")?;
        let (segment, revision) =
            segments::create(&self.domain, &call, id, description, key).await?;
        Ok(Response::new(pb::CreateSegmentResponse {
            segment: Some(segment.into()),
            revision,
        }))
    }

    async fn get_segment(
        &self,
        request: Request<pb::GetSegmentRequest>,
    ) -> RpcResult<pb::GetSegmentResponse> {
        let (call, request) = split_request(request)?;
        let id = required(&request.id, "id")?;
        let segment = segments::get(&self.domain, &call, &id).await?;
        Ok(Response::new(pb::GetSegmentResponse {
            segment: Some(segment.into()),
        }))
    }

    async fn list_segments(
        &self,
        request: Request<pb::ListSegmentsRequest>,
    ) -> RpcResult<pb::ListSegmentsResponse> {
        let (call, mut request) = split_request(request)?;
        let page = ListPage::<SegmentId>::take(&call, &mut request)?;
        let prefix = search_text(request.prefix, "prefix")?;
        let mut found =
            segments::list(&self.domain, &call, &prefix, page.after.as_ref(), page.size).await?;
        let next_page_token = page.next_token(&mut found, |it| &it.segment.id);
        Ok(Response::new(pb::ListSegmentsResponse {
            segments: found.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }

    async fn update_segment(
        &self,
        request: Request<pb::UpdateSegmentRequest>,
    ) -> RpcResult<pb::UpdateSegmentResponse> {
        let (call, request, key) = split_change(request)?;
        let segment = required_message(request.segment, "segment")?;
        let id = required(&segment.id, "segment.id")?;
        let set = [!segment.description.is_empty()];
        let [described] = apply_field_mask(
            request.update_mask.as_ref(),
            "update_mask",
            ["description"],
            set,
        )?;
        let description = described
            .then(|| required(&segment.description, "segment.description"))
            .transpose()?;
        let etag = etag(&segment.etag);
        let (segment, revision) =
            segments::update(&self.domain, &call, &id, description, etag, key).await?;
        Ok(Response::new(pb::UpdateSegmentResponse {
            segment: Some(segment.into()),
            revision,
        }))
    }

    async fn delete_segment(
        &self,
        request: Request<pb::DeleteSegmentRequest>,
    ) -> RpcResult<pb::DeleteSegmentResponse> {
        let (call, request, key) = split_change(request)?;
        let id = required(&request.id, "id")?;
        let etag = etag(&request.etag);
        let ((), revision) = segments::delete(&self.domain, &call, &id, etag, key).await?;
        Ok(Response::new(pb::DeleteSegmentResponse { revision }))
    }

    async fn add_contacts(
        &self,
        request: Request<pb::AddContactsRequest>,
    ) -> RpcResult<pb::AddContactsResponse> {
        let (call, request, key) = split_change(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let action = add_action(&request)?;
        let etag = etag(&request.etag);
        let result = segments::act(&self.domain, &call, &id, action, etag, key).await?;
        Ok(Response::new(result.into()))
    }

    async fn reduce_contacts(
        &self,
        request: Request<pb::ReduceContactsRequest>,
    ) -> RpcResult<pb::ReduceContactsResponse> {
        let (call, request, key) = split_change(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let (kind, entire) = (ActionKind::Reduce, request.entire_companies);
        let action = filter_action(kind, &request.expression, entire)?;
        let etag = etag(&request.etag);
        let result = segments::act(&self.domain, &call, &id, action, etag, key).await?;
        Ok(Response::new(result.into()))
    }

    async fn refine_contacts(
        &self,
        request: Request<pb::RefineContactsRequest>,
    ) -> RpcResult<pb::RefineContactsResponse> {
        let (call, request, key) = split_change(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let (kind, entire) = (ActionKind::Refine, request.entire_companies);
        let action = filter_action(kind, &request.expression, entire)?;
        let etag = etag(&request.etag);
        let result = segments::act(&self.domain, &call, &id, action, etag, key).await?;
        Ok(Response::new(result.into()))
    }

    async fn go_back(&self, request: Request<pb::GoBackRequest>) -> RpcResult<pb::GoBackResponse> {
        let (call, request, key) = split_change(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let etag = etag(&request.etag);
        let result = segments::go_back(&self.domain, &call, &id, etag, key).await?;
        Ok(Response::new(result.into()))
    }

    async fn get_segment_action(
        &self,
        request: Request<pb::GetSegmentActionRequest>,
    ) -> RpcResult<pb::GetSegmentActionResponse> {
        let (call, request) = split_request(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let number = action_number(request.number)?;
        let action = segments::get_action(&self.domain, &call, &id, number).await?;
        Ok(Response::new(pb::GetSegmentActionResponse {
            action: Some(action.into()),
        }))
    }

    async fn list_segment_actions(
        &self,
        request: Request<pb::ListSegmentActionsRequest>,
    ) -> RpcResult<pb::ListSegmentActionsResponse> {
        let (call, mut request) = split_request(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let page = ListPage::<i32>::take_up_to(MAX_ACTIONS, &call, &mut request)?;
        let after = page.after.unwrap_or(0);
        let mut found = segments::list_actions(&self.domain, &call, &id, after, page.size).await?;
        let next_page_token = page.next_token(&mut found, |(action, _)| &action.number);
        Ok(Response::new(pb::ListSegmentActionsResponse {
            actions: found.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }

    async fn apply_mailing_group(
        &self,
        request: Request<pb::ApplyMailingGroupRequest>,
    ) -> RpcResult<Self::ApplyMailingGroupStream> {
        let (call, request, key) = split_change(request)?;
        let (domain, shutdown) = (self.domain.clone(), self.shutdown.clone());
        let stream = apply::stream(domain, call, request, key, shutdown).await?;
        Ok(Response::new(stream))
    }

    async fn save_criteria(
        &self,
        request: Request<pb::SaveCriteriaRequest>,
    ) -> RpcResult<pb::SaveCriteriaResponse> {
        let (call, request, key) = split_change(request)?;
        let id = required(&request.segment_id, "segment_id")?;
        let code = required(&request.code, "code")?;
        let description = required(&request.description, "description")?;
        let etag = etag(&request.etag);
        let (saved, revision) =
            segments::save_criteria(&self.domain, &call, &id, &code, &description, etag, key)
                .await?;
        Ok(Response::new(pb::SaveCriteriaResponse {
            saved_criteria: Some(saved.into()),
            revision,
        }))
    }

    async fn get_saved_criteria(
        &self,
        request: Request<pb::GetSavedCriteriaRequest>,
    ) -> RpcResult<pb::GetSavedCriteriaResponse> {
        let (call, mut request) = split_request(request)?;
        let page = ListPage::<i32>::take(&call, &mut request)?;
        let code = required(&request.code, "code")?;
        let after = page.after.unwrap_or(0);
        let (saved, actions) =
            segments::get_criteria(&self.domain, &call, &code, after, page.size).await?;
        let last = actions.last().map(|action| action.number);
        let next = last.filter(|number| *number < saved.action_count);
        Ok(Response::new(pb::GetSavedCriteriaResponse {
            saved_criteria: Some(saved.into()),
            actions: actions.into_iter().map(Into::into).collect(),
            next_page_token: next.map_or_else(String::new, |number| page.token_after(&number)),
        }))
    }

    async fn list_saved_criteria(
        &self,
        request: Request<pb::ListSavedCriteriaRequest>,
    ) -> RpcResult<pb::ListSavedCriteriaResponse> {
        let (call, mut request) = split_request(request)?;
        let page = ListPage::<CriteriaCode>::take(&call, &mut request)?;
        let mut found =
            segments::list_criteria(&self.domain, &call, page.after.as_ref(), page.size).await?;
        let next_page_token = page.next_token(&mut found, |saved| &saved.code);
        Ok(Response::new(pb::ListSavedCriteriaResponse {
            saved_criteria: found.into_iter().map(Into::into).collect(),
            next_page_token,
        }))
    }

    async fn delete_saved_criteria(
        &self,
        request: Request<pb::DeleteSavedCriteriaRequest>,
    ) -> RpcResult<pb::DeleteSavedCriteriaResponse> {
        let (call, request, key) = split_change(request)?;
        let code = required(&request.code, "code")?;
        let ((), revision) = segments::delete_criteria(&self.domain, &call, &code, key).await?;
        Ok(Response::new(pb::DeleteSavedCriteriaResponse { revision }))
    }

    async fn replay_criteria(
        &self,
        request: Request<pb::ReplayCriteriaRequest>,
    ) -> RpcResult<pb::ReplayCriteriaResponse> {
        let (call, request, key) = split_change(request)?;
        let code = required(&request.code, "code")?;
        let id = required(&request.segment_id, "segment_id")?;
        let etag = etag(&request.etag);
        let replayed = segments::replay(&self.domain, &call, &code, &id, etag, key).await?;
        Ok(Response::new(replayed.into()))
    }

    async fn compare_segments(
        &self,
        request: Request<pb::CompareSegmentsRequest>,
    ) -> RpcResult<Self::CompareSegmentsStream> {
        let (call, request) = split_request(request)?;
        let (domain, shutdown) = (self.domain.clone(), self.shutdown.clone());
        let stream = compare::stream(domain, call, request, shutdown).await?;
        Ok(Response::new(stream))
    }
}
