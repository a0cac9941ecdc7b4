//! Which calls are handled: those of gRPC clients, as far as there are places for them.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use tokio::time::Instant;
use tonic::{Status, body::Body};

use super::{
    limits::Limits,
    methods::{KnownMethod, MethodClass},
    pushback::Pushback,
};
use crate::{
    api::{
        quota::{Quota, TakenQuota},
        rates::Rates,
        status::overloaded,
    },
    cpu,
    fair_semaphore::FairSemaphore,
    metrics::{self, Metric, PLACES_LIMIT, PLACES_USED, REQUEST_MEMORY, REQUEST_MEMORY_LIMIT},
};

/// What calls share.
pub(super) struct Admission {
    unary: Arc<Quota>,
    streams: Arc<Quota>,
    /// Health watches and reflection.
    long_lived: Arc<Quota>,
    rates: Arc<Rates>,
    pushback: Pushback,
    /// Bytes of requests.
    pub(super) memory: Arc<Quota>,
    /// Unpacking compressed messages, which leaves a processor to other calls.
    pub(super) unpacking: FairSemaphore,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        let unpackers = (cpu::cores() - 1).max(1);
        Self {
            unary: Quota::halved(limits.max_calls),
            streams: Quota::halved(limits.max_streams),
            long_lived: Quota::new(limits.max_streams),
            rates: Arc::clone(&limits.rates),
            pushback: Pushback::new(),
            memory: Quota::halved(limits.max_request_memory),
            unpacking: FairSemaphore::new(unpackers, unpackers),
        }
    }

    /// Refuses the call at once when the server is full, instead of queueing it. Health checks
    /// always pass: an overloaded server is still healthy.
    pub(super) fn place(
        &self,
        method: &KnownMethod,
        tenant: &Arc<str>,
    ) -> Result<Option<TakenQuota>, Status> {
        if method.is_of_tenant() {
            self.rates.count_call(tenant)?;
        }
        let overloaded = || overloaded(self.pushback.refused(tenant, Instant::now()));
        let quota = match method.class {
            MethodClass::Unary if method.name.starts_with("grpc.health.") => return Ok(None),
            MethodClass::Unary => &self.unary,
            MethodClass::Stream => {
                if let Some(max) = self.rates.max_streams(tenant) {
                    let taken = self.streams.take_within(tenant, 1, max as usize);
                    let refused = || match self.streams.used_by(tenant) >= max as usize {
                        true => Rates::too_many_streams(max),
                        false => overloaded(),
                    };
                    return taken.map(Some).ok_or_else(refused);
                }
                &self.streams
            }
            MethodClass::LongLived => &self.long_lived,
        };
        quota.take(tenant, 1).map(Some).ok_or_else(overloaded)
    }

    /// Shows in the metrics what is used.
    pub(super) fn measure(&self) {
        for (class, quota) in [
            ("unary", &self.unary),
            ("stream", &self.streams),
            ("long_lived", &self.long_lived),
        ] {
            show(quota, &PLACES_USED, &PLACES_LIMIT, &[class]);
        }
        show(&self.memory, &REQUEST_MEMORY, &REQUEST_MEMORY_LIMIT, &[]);
    }

    /// The open calls, except health and reflection.
    pub(super) fn open_calls(&self) -> usize {
        self.unary.used() + self.streams.used()
    }
}

fn show(quota: &Arc<Quota>, used: &Metric, limit: &Metric, labels: &[&str]) {
    limit.gauge(labels).set(quota.total() as f64);
    let (quota, used) = (Arc::clone(quota), used.gauge(labels));
    metrics::at_reading(move || used.set(quota.used() as f64));
}

/// The answer to a request that is not gRPC. A web page can make its reader's browser send others,
/// with the reader's rights: a browser asks before it sends a foreign content type only.
pub(super) fn refuse_other_protocols(request: &Request<Body>) -> Option<Response<Body>> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is_grpc = content_type.is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"));
    let is_post = request.method() == Method::POST;
    if is_post && is_grpc {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = match is_post {
        true => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        false => StatusCode::METHOD_NOT_ALLOWED,
    };
    if !is_post {
        let post = HeaderValue::from_static("POST");
        response.headers_mut().insert(header::ALLOW, post);
    }
    Some(response)
}
