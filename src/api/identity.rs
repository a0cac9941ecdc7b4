//! The service `Identity`.

use tonic::{Request, Response};

use super::{
    Api, RpcResult,
    caller::{Caller, names},
    convert::timestamp,
};
use crate::pb::{self, identity_server::Identity};

#[tonic::async_trait]
impl Identity for Api {
    async fn who_am_i(&self, request: Request<pb::WhoAmIRequest>) -> RpcResult<pb::WhoAmIResponse> {
        let principal = Caller::of(request.extensions())?.principal();
        Ok(Response::new(pb::WhoAmIResponse {
            principal: principal.name.to_string(),
            kind: pb::PrincipalKind::from(principal.kind).into(),
            tenants: names(&principal.tenants),
            access: pb::Access::from(principal.access).into(),
            expire_time: principal.expire_time.map(timestamp),
        }))
    }
}
