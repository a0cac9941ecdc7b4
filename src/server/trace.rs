//! One span per call, and one line when it has ended: for a stream that is when its last frame is
//! out, not when its headers are.
//!
//! Levels: what we broke (INTERNAL, UNKNOWN, DATA_LOSS) is an error, UNAVAILABLE a warning, an
//! exceeded deadline or limit is news (info), and all else, success and callers' mistakes, is
//! debug. Never a message's content, nor metadata other than the request id.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tracing::{Instrument, Span, debug, error, info, warn};

use super::{
    guard::{Calls, Guard, Next},
    methods::Methods,
    status::{code_in, code_name},
};
use crate::api::request_id;

/// Traces every call.
#[derive(Clone)]
pub(super) struct Trace {
    /// The names that may stand in a log; any other path is written as `_OTHER`.
    pub(super) methods: Arc<Methods>,
}

impl Guard for Trace {
    async fn handle<C: Calls>(&self, request: Request<Body>, next: Next<'_, C>) -> Response<Body> {
        let method = self.methods.name(request.uri().path());
        let span = span(method);
        let mut ending = Ending::new(span.clone());
        let response = next.run(request).instrument(span).await;
        if let Some(code) = code_in(response.headers()) {
            ending.report(code);
            return response;
        }
        response.map(|inner| Body::new(Traced { inner, ending }))
    }
}

/// The span has level error so that it names the call for every event the filter lets through.
/// Every call pays for its fields, logged or not: there are few, and none is quoted.
fn span(method: Option<&str>) -> Span {
    tracing::error_span!(
        "call",
        rpc.method = %method.unwrap_or("_OTHER"),
        request_id = request_id::current().map(tracing::field::display),
    )
}

/// Reports the end of a call once; dropped unreported, the caller went away.
struct Ending {
    span: Span,
    started: Instant,
    reported: bool,
}

impl Ending {
    fn new(span: Span) -> Self {
        Self {
            span,
            started: Instant::now(),
            reported: false,
        }
    }

    fn report(&mut self, code: Code) {
        if std::mem::replace(&mut self.reported, true) {
            return;
        }
        let _entered = self.span.enter();
        let status = code_name(code);
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

impl Drop for Ending {
    fn drop(&mut self) {
        self.report(Code::Cancelled);
    }
}

/// A response body that reports the end of its call.
struct Traced {
    inner: Body,
    ending: Ending,
}

impl http_body::Body for Traced {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let span = this.ending.span.clone();
        let polled = span.in_scope(|| Pin::new(&mut this.inner).poll_frame(cx));
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(code) = frame.trailers_ref().and_then(code_in)
        {
            this.ending.report(code);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}
