//! The span of a call in traces (OpenTelemetry's semantic conventions for RPC). None of it is made
//! without a collector.

use http::HeaderMap;
use opentelemetry::propagation::Extractor;
use tonic::Code;
use tracing::{Span, field::Empty};

use super::tenant_metrics::valid_name;
use crate::{
    api::request_id,
    model::grpc_code_name,
    telemetry::{TRACES, continue_trace},
};

/// The span of a call; part of the caller's trace if the headers name one.
pub(super) fn span(method: &str, tenant: &str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        target: TRACES,
        parent: None,
        "call",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.response.status_code = Empty,
        error.type = Empty,
        mailing_groups.tenant = Empty,
        mailing_groups.request_id = request_id::current().map(tracing::field::display),
    );
    if !span.is_disabled() {
        if let Some(tenant) = valid_name(tenant) {
            span.record("mailing_groups.tenant", tenant);
        }
        continue_trace(&span, &Headers(headers));
    }
    span
}

/// Notes how the call ended. Mistakes of callers are no errors of the server.
pub(super) fn end(span: &Span, code: Code) {
    if span.is_disabled() {
        return;
    }
    let name = grpc_code_name(code as i32);
    span.record("rpc.response.status_code", name);
    let is_fault = matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    );
    if is_fault {
        span.record("error.type", name);
        span.record("otel.status_code", "ERROR");
    }
}

struct Headers<'h>(&'h HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
