//! One span per call, and one log line when it has ended: for a stream when its last frame is
//! out, not when its headers are.
//!
//! Levels: faults of the service (INTERNAL, UNKNOWN, DATA_LOSS) are errors, UNAVAILABLE is a
//! warning, an exceeded deadline or limit is info, and everything else, success and mistakes of
//! callers, is debug. Never a message's content, nor metadata other than the request id.

use bytes::Bytes;
use http_body::Frame;
use tokio::time::Instant;
use tonic::Code;
use tracing::{Span, debug, error, info, warn};

use super::errors::code_in;
use crate::{api::request_id, model::grpc_code_name};

/// Logs the end of one call, once; dropped before, the caller has cancelled it.
pub(super) struct CallLog {
    span: Span,
    started: Instant,
    ended: bool,
}

impl CallLog {
    /// `method` is `None` for a path that the server does not know, which is not logged.
    pub(super) fn start(method: Option<&str>) -> Self {
        Self {
            span: span(method),
            started: Instant::now(),
            ended: false,
        }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
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
        let _entered = self.span.enter();
        let status = grpc_code_name(code as i32);
        let elapsed_ms = self.started.elapsed().as_micros() as f64 / 1e3;
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    rpc.response.status_code = status,
                    elapsed_ms,
                    "call ended: {status}"
                )
            };
        }
        match code {
            Code::Internal | Code::Unknown | Code::DataLoss => line!(error),
            Code::Unavailable => line!(warn),
            Code::DeadlineExceeded | Code::ResourceExhausted => line!(info),
            _ => line!(debug),
        }
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// The span has level error so that it names the call in every event that the filter lets
/// through. Every call pays for its fields, logged or not: there are few, and none is quoted.
fn span(method: Option<&str>) -> Span {
    tracing::error_span!(
        "call",
        rpc.method = %method.unwrap_or("_OTHER"),
        request_id = request_id::current().map(tracing::field::display),
    )
}
