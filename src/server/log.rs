//! One span per call, and one log line when it has ended: for a stream when its last frame is
//! out, not when its headers are.
//!
//! Levels: faults of the service (INTERNAL, UNKNOWN, DATA_LOSS) are errors, UNAVAILABLE is a
//! warning, every other failure is info, and success is debug. Under overload a line a second stands for all of the same method and code, and
//! says how many were left out before it. Never a message's content, nor metadata other than the request id and the
//! tenant. With an access log every call has a line of its own besides.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tokio::time::Instant;
use tonic::Code;
use tracing::{Span, debug, error, info, warn};

use super::{
    errors::code_in,
    methods::KnownMethod,
    tenant_metrics::{self, valid_name},
    trace,
};
use crate::{
    api::request_id,
    model::grpc_code_name,
    telemetry::{self, ACCESS},
};

/// Logs the end of one call, once; dropped before, the caller has cancelled it.
pub(super) struct CallLog {
    span: Span,
    /// The call in traces.
    trace: Span,
    method: Arc<KnownMethod>,
    tenant: Arc<str>,
    /// Who calls, if the call was authenticated.
    principal: Option<Arc<str>>,
    started: Instant,
    ended: bool,
}

impl CallLog {
    pub(super) fn start(
        method: &Arc<KnownMethod>,
        tenant: &Arc<str>,
        principal: Option<Arc<str>>,
        headers: &HeaderMap,
    ) -> Self {
        method.metrics.started();
        Self {
            span: span(&method.name),
            trace: trace::span(&method.name, tenant, headers),
            method: Arc::clone(method),
            tenant: Arc::clone(tenant),
            principal,
            started: Instant::now(),
            ended: false,
        }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    pub(super) fn trace(&self) -> &Span {
        &self.trace
    }

    /// Ends the call if `frame` has its status.
    pub(super) fn observe(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        if let Some(code) = frame.trailers_ref().and_then(code_in) {
            self.end(code);
        }
        frame
    }

    pub(super) fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let elapsed = self.started.elapsed();
        self.method.metrics.ended(code, elapsed);
        if self.method.is_of_service() {
            tenant_metrics::count(&self.tenant, code);
        }
        trace::end(&self.trace, code);
        let _entered = self.span.enter();
        let due = || telemetry::due_line(&self.method.name, code as i32);
        let status = grpc_code_name(code as i32);
        let elapsed_ms = elapsed.as_micros() as f64 / 1e3;
        let principal = self.principal.as_deref();
        macro_rules! line {
            ($level:ident, $left_out:expr) => {
                $level!(
                    rpc.response.status_code = status,
                    tenant = valid_name(&self.tenant),
                    principal,
                    elapsed_ms,
                    left_out = $left_out,
                    "call ended: {status}"
                )
            };
            ($level:ident) => {
                if let Some(due) = due() {
                    line!($level, due.left_out)
                }
            };
        }
        match code {
            Code::Internal | Code::Unknown | Code::DataLoss => line!(error),
            Code::Unavailable => line!(warn),
            // A caller that goes away is no failure.
            Code::Ok | Code::Cancelled => line!(debug, None::<u64>),
            _ => line!(info),
        }
        info!(
            target: ACCESS,
            { rpc.response.status_code = status, tenant = valid_name(&self.tenant), principal, elapsed_ms },
            "call: {status}"
        );
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// Logs a TLS handshake that failed. What the client is refused for is in the log only: TLS tells it no
/// more than a number.
pub(super) fn failed_handshake(error: &std::io::Error) {
    let kind = format!("TLS handshake: {}", error.kind());
    if let Some(due) = telemetry::due_line(&kind, 0) {
        info!(%error, left_out = due.left_out, "a TLS handshake failed: {error}");
    }
}

/// The span has level error so that it names the call in every event that the filter lets
/// through. Every call pays for its fields, logged or not: there are few, and none is quoted.
fn span(method: &str) -> Span {
    tracing::error_span!(
        "call",
        rpc.method = %method,
        request_id = request_id::current().map(tracing::field::display),
    )
}
