//! The stream of the progress of ApplyMailingGroup.

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::{
    convert::to_wire_count,
    field::{etag, required},
    status,
    stream::ResponseStream,
};
use crate::{
    domain::{
        Call, Committed, Domain, IdempotencyKey, Result,
        segments::{Application, Applied},
    },
    pb,
};

/// Plans the call, and then streams what was done after each step.
pub(super) async fn stream(
    domain: Domain,
    call: Call,
    request: pb::ApplyMailingGroupRequest,
    key: Option<IdempotencyKey>,
    shutdown: CancellationToken,
) -> Result<ResponseStream<pb::ApplyMailingGroupResponse>> {
    let id = required(&request.segment_id, "segment_id")?;
    let code = required(&request.code, "code")?;
    let (replace, etag) = (request.replace, etag(&request.etag));
    let application = Application::begin(&domain, &call, &id, &code, replace, etag, key).await?;
    if call.validate_only {
        let planned = response(application.planned());
        return Ok(stream::iter([Ok(planned)]).boxed());
    }
    let messages = stream::try_unfold(application, move |mut application| {
        let shutdown = shutdown.clone();
        async move {
            if shutdown.is_cancelled() {
                return Err(status::shutting_down());
            }
            let done = application.step().await?;
            Ok(done.map(|done| (response(done), application)))
        }
    });
    Ok(messages.boxed())
}

fn response((applied, revision): Committed<Applied>) -> pb::ApplyMailingGroupResponse {
    pb::ApplyMailingGroupResponse {
        added_count: to_wire_count(applied.added),
        removed_count: to_wire_count(applied.removed),
        revision,
        remaining_count: to_wire_count(applied.remaining),
    }
}
