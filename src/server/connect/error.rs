//! Errors as the Connect protocol writes them.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use http::StatusCode;
use prost::Message;
use prost_reflect::DynamicMessage;
use serde::Serialize;
use tonic::{Code, Status};

use super::schema::Schema;

/// An error as JSON.
#[derive(Serialize)]
pub(super) struct ErrorJson {
    code: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<DetailJson>,
}

/// A detail of an error: a message of `google.rpc`.
#[derive(Serialize)]
struct DetailJson {
    r#type: String,
    /// The message, in base64.
    value: String,
    /// The same, to be read by people.
    #[serde(skip_serializing_if = "Option::is_none")]
    debug: Option<serde_json::Value>,
}

impl ErrorJson {
    pub(super) fn of(status: &Status, schema: &Schema) -> Self {
        let details = tonic_types::Status::decode(status.details());
        let details = details.map(|it| it.details).unwrap_or_default();
        let details = details.into_iter().map(|detail| {
            let name = detail.type_url.rsplit('/').next().unwrap_or_default();
            DetailJson {
                r#type: name.to_owned(),
                debug: debug(name, &detail.value, schema),
                value: STANDARD_NO_PAD.encode(detail.value),
            }
        });
        Self {
            code: name(status.code()),
            message: status.message().to_owned(),
            details: details.collect(),
        }
    }
}

fn debug(name: &str, value: &[u8], schema: &Schema) -> Option<serde_json::Value> {
    let message = DynamicMessage::decode(schema.message(name)?, value).ok()?;
    serde_json::to_value(message).ok()
}

/// The name of a code in the Connect protocol.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "canceled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

/// The status of the HTTP answer for a code.
pub(super) fn http_status(code: Code) -> StatusCode {
    let status = match code {
        Code::Ok => 200,
        // Known from nginx: the client closed the request.
        Code::Cancelled => 499,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::ResourceExhausted => 429,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
