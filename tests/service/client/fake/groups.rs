//! The unary calls.

use std::sync::Arc;

use mailing_groups::pb::*;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::Fake;

impl Fake {
    pub(super) async fn create_mailing_group(
        self: Arc<Self>,
        request: Request<CreateMailingGroupRequest>,
    ) -> Result<Response<CreateMailingGroupResponse>, Status> {
        let group = request.into_inner().mailing_group.unwrap();
        let code = group.code.to_uppercase();
        if code.contains(' ') {
            let wrong =
                ErrorDetails::with_bad_request_violation("mailing_group.code", "letters only");
            return Err(Status::with_error_details(
                Code::InvalidArgument,
                "wrong",
                wrong,
            ));
        }
        let mut groups = self.groups.lock().unwrap();
        if groups.contains_key(&code) {
            return Err(Status::already_exists("taken"));
        }
        groups.insert(code, group.description);
        Ok(Response::new(Default::default()))
    }

    pub(super) async fn get_mailing_group(
        self: Arc<Self>,
        request: Request<GetMailingGroupRequest>,
    ) -> Result<Response<GetMailingGroupResponse>, Status> {
        let code = request.into_inner().code.to_uppercase();
        let description = self.groups.lock().unwrap()[&code].clone();
        let group = MailingGroup {
            code,
            description,
            ..MailingGroup::default()
        };
        Ok(Response::new(GetMailingGroupResponse {
            mailing_group: Some(group),
        }))
    }

    pub(super) async fn update_mailing_group(
        self: Arc<Self>,
        request: Request<UpdateMailingGroupRequest>,
    ) -> Result<Response<UpdateMailingGroupResponse>, Status> {
        let group = request.into_inner().mailing_group.unwrap();
        self.groups
            .lock()
            .unwrap()
            .insert(group.code.to_uppercase(), group.description);
        Ok(Response::new(Default::default()))
    }

    pub(super) async fn count_segment_members(
        self: Arc<Self>,
        _: Request<CountSegmentMembersRequest>,
    ) -> Result<Response<CountSegmentMembersResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}
