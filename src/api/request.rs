//! Reading requests: the call they belong to, idempotency keys, selections and segment actions.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tonic::{Request, Status};

use super::{
    caller::{Caller, DEFAULT_TENANT, TENANT},
    field::{Field, required, required_each},
    request_id,
};
use crate::{
    domain::{
        Call, IdempotencyKey, Violation,
        segments::{Action, ActionTarget},
        selection::{ContactView, SelectionSource},
    },
    model::{ActionKind, GrantedTenants, SelectionOptions, TenantName},
    pb::{self, IdempotentRequest, RpcRequest, SegmentMemberView},
};

/// When the call ends: an extension of the request.
#[derive(Clone, Copy)]
pub(crate) struct CallEnd(pub(crate) Instant);

/// Splits a request into its call context (tenant, request id and caller) and its message.
pub(super) fn split_request<T>(request: Request<T>) -> Result<(Call, T), Status> {
    let caller = Caller::of(request.extensions())?;
    let (tenant, actor) = (caller.tenant()?, caller.name());
    Ok(split(request, tenant, actor))
}

/// As [`split_request`], for a request about the tenant that its field at `path` names. Refuses one
/// that the caller may not use.
pub(super) fn split_request_about<T>(
    path: &str,
    request: Request<T>,
    name: fn(&T) -> &str,
) -> Result<(Call, T), Status> {
    let tenant = required(name(request.get_ref()), path)?;
    let caller = Caller::of(request.extensions())?;
    caller.require_tenant(&tenant)?;
    let actor = caller.name();
    Ok(split(request, tenant, actor))
}

/// As [`split_request`], for a request about the tenants that the caller may use. Its page tokens are
/// bound to no tenant.
pub(super) fn split_request_of_all<T>(
    request: Request<T>,
) -> Result<(Call, GrantedTenants, T), Status> {
    let caller = Caller::of(request.extensions())?;
    let (granted, actor) = (caller.principal().tenants.clone(), caller.name());
    let tenant = DEFAULT_TENANT.parse().field(TENANT)?;
    let (call, request) = split(request, tenant, actor);
    Ok((call, granted, request))
}

fn split<T>(request: Request<T>, tenant: TenantName, actor: Arc<str>) -> (Call, T) {
    let call = Call {
        tenant,
        request_id: request_id::current_or_new().to_string(),
        actors: actor,
        deadline: request.extensions().get::<CallEnd>().map(|end| end.0),
        validate_only: false,
    };
    (call, request.into_inner())
}

/// Splits a request that changes something: as [`split_request`], with its dry run and its idempotency
/// key.
pub(super) fn split_change<T: IdempotentRequest>(
    request: Request<T>,
) -> Result<(Call, T, Option<IdempotencyKey>), Status> {
    let (mut call, mut request) = split_request(request)?;
    call.validate_only = request.validate_only();
    let key = idempotency_key(&mut request)?;
    Ok((call, request, key))
}

/// Takes the `request_id` out of a request and returns it with a digest of the RPC and the other
/// fields: the same id with another digest is an error.
pub(super) fn idempotency_key<T: IdempotentRequest>(
    request: &mut T,
) -> Result<Option<IdempotencyKey>, Violation> {
    let id = std::mem::take(request.request_id());
    if id.is_empty() {
        return Ok(None);
    }
    let digest = Sha256::new()
        .chain_update(<T as RpcRequest>::RPC)
        .chain_update(request.encode_to_vec())
        .finalize();
    Ok(Some(IdempotencyKey {
        id: id.parse().field("request_id")?,
        digest: digest.into(),
    }))
}

/// Reads the selection in the field at `path`.
pub(super) fn selection_source(
    selection: Option<pb::Selection>,
    path: &str,
) -> Result<SelectionSource, Violation> {
    use pb::selection::Source::{Expression, SegmentId};
    let selection = selection.unwrap_or_default();
    let options = selection.options.unwrap_or_default().into();
    match selection.source {
        None => Err("must have an expression or a segment_id").field(path),
        Some(Expression(text)) => {
            let expression = text.parse().field(&format!("{path}.expression"))?;
            Ok(SelectionSource::Expression(expression, options))
        }
        Some(SegmentId(id)) => {
            let id = required(&id, &format!("{path}.segment_id"))?;
            match options == SelectionOptions::default() {
                true => Ok(SelectionSource::Segment(id)),
                false => Err("are for expressions; write the expression segment(\"ID\") instead")
                    .field(&format!("{path}.options")),
            }
        }
    }
}

/// Reads a view and the largest page size that it allows.
pub(super) fn view_and_max_page(view: SegmentMemberView) -> (ContactView, i32) {
    match view {
        SegmentMemberView::Full => (ContactView::Full, 2_000),
        SegmentMemberView::Ids | SegmentMemberView::Unspecified => (ContactView::Ids, 10_000),
    }
}

/// Reads an Add action: an expression or contact ids, and options.
pub(super) fn add_action(request: &pb::AddContactsRequest) -> Result<Action, Violation> {
    let target = match (request.expression.is_empty(), &*request.contact_ids) {
        (false, []) => ActionTarget::Expression(request.expression.parse().field("expression")?),
        (true, []) => return Err("must be set, or contact_ids").field("expression"),
        (true, ids) => ActionTarget::Contacts(required_each(ids, "contact_ids")?),
        (false, _) => return Err("must be blank when an expression is set").field("contact_ids"),
    };
    Ok(Action {
        kind: ActionKind::Add,
        target,
        options: request.options.unwrap_or_default().into(),
        entire_companies: false,
    })
}

/// Reads the number of an action of a segment.
pub(super) fn action_number(number: i32) -> Result<i32, Violation> {
    match number {
        ..1 => Err("must be 1 or more").field("number"),
        _ => Ok(number),
    }
}

/// Reads a Reduce or Refine action.
pub(super) fn filter_action(
    kind: ActionKind,
    expression: &str,
    entire_companies: bool,
) -> Result<Action, Violation> {
    Ok(Action {
        kind,
        target: ActionTarget::Expression(expression.parse().field("expression")?),
        options: SelectionOptions::default(),
        entire_companies,
    })
}
