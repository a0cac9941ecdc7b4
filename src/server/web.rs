//! The port for browsers and curl. It speaks Connect and gRPC-Web over HTTP/1.1 and HTTP/2, and gRPC over
//! HTTP/2. All become the same calls.

use std::{
    convert::Infallible,
    net::IpAddr,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{
    HeaderName, Method, Request, Response, StatusCode, Version,
    header::{self, HeaderValue},
    uri::Authority,
};
use http_body::Body as _;
use http_body_util::BodyExt;
use prost_reflect::DescriptorError;
use tonic::body::Body;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer, Service, util::option_layer};
use tower_http::{cors::CorsLayer, timeout::TimeoutBody};

use super::{
    calls::CallService,
    connect::{ConnectService, plain},
    limits::Limits,
    port::HttpService,
};
use crate::api::status::unsent;

/// How long browsers remember what they may send.
const MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// What pages may send.
const ALLOWED_HEADERS: [&str; 16] = [
    "accept-encoding",
    "authorization",
    "connect-accept-encoding",
    "connect-content-encoding",
    "connect-protocol-version",
    "connect-timeout-ms",
    "content-encoding",
    "content-type",
    "grpc-accept-encoding",
    "grpc-timeout",
    "traceparent",
    "tracestate",
    "x-grpc-web",
    "x-request-id",
    "x-tenant",
    "x-user-agent",
];

/// What pages may read besides what browsers always let them.
const EXPOSED_HEADERS: [&str; 9] = [
    "connect-content-encoding",
    "content-encoding",
    "grpc-encoding",
    "grpc-message",
    "grpc-retry-pushback-ms",
    "grpc-status",
    "grpc-status-details-bin",
    "www-authenticate",
    "x-request-id",
];

/// What answers at the port. `origins` are those of the pages that may call.
pub(super) fn service(
    calls: CallService,
    limits: &Limits,
    origins: Vec<HeaderValue>,
    any_host: bool,
) -> Result<impl HttpService, DescriptorError> {
    let web = WebService {
        grpc_web: GrpcWebLayer::new().layer(calls.clone()),
        connect: ConnectService::new(calls.clone(), limits.max_message_bytes)?,
        grpc: calls,
        any_host,
        body_idle_timeout: limits.keepalive_interval,
    };
    let cors = (!origins.is_empty()).then(|| cors(origins));
    Ok(option_layer(cors).layer(web))
}

fn cors(origins: Vec<HeaderValue>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(ALLOWED_HEADERS.map(HeaderName::from_static))
        .expose_headers(EXPOSED_HEADERS.map(HeaderName::from_static))
        .max_age(MAX_AGE)
}

#[derive(Clone)]
struct WebService {
    grpc: CallService,
    grpc_web: GrpcWebService<CallService>,
    connect: ConnectService,
    any_host: bool,
    /// How long a client of HTTP/1.1 may send nothing in the middle of a request.
    body_idle_timeout: Duration,
}

impl Service<Request<Body>> for WebService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !self.any_host && !names_this_computer(&request) {
            let text = "the host must be an address or localhost";
            return answer(plain(StatusCode::MISDIRECTED_REQUEST, text));
        }
        let request = with_idle_timeout(request, self.body_idle_timeout);
        let content_type = request.headers().get(header::CONTENT_TYPE);
        match content_type.map_or(&b""[..], HeaderValue::as_bytes) {
            b"application/grpc-web"
            | b"application/grpc-web+proto"
            | b"application/grpc-web-text"
            | b"application/grpc-web-text+proto" => Box::pin(self.grpc_web.call(request)),
            b"application/grpc" | b"application/grpc+proto" => match request.version() {
                Version::HTTP_2 => self.grpc.call(request),
                _ => {
                    let status = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
                    answer(plain(status, "gRPC needs HTTP/2"))
                }
            },
            _ => {
                let call = self.connect.clone().answer(request);
                Box::pin(async move { Ok(call.await) })
            }
        }
    }
}

fn answer(response: Response<Body>) -> BoxFuture<'static, Result<Response<Body>, Infallible>> {
    Box::pin(async move { Ok(response) })
}

/// Ends a request of HTTP/1.1 when nothing of its body comes for so long. HTTP/2 finds clients that are gone
/// by pings.
fn with_idle_timeout(request: Request<Body>, timeout: Duration) -> Request<Body> {
    if request.version() == Version::HTTP_2 || request.body().is_end_stream() {
        return request;
    }
    request.map(|body| Body::new(TimeoutBody::new(timeout, body).map_err(|_| unsent())))
}

/// Whether the request's host is an address or `localhost`.
fn names_this_computer(request: &Request<Body>) -> bool {
    let named = request.headers().get(header::HOST);
    let named = named.and_then(|value| Authority::try_from(value.as_bytes()).ok());
    let Some(authority) = request.uri().authority().cloned().or(named) else {
        return false;
    };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(host: &str, uri: &str) -> bool {
        let request = Request::builder().uri(uri).header(header::HOST, host);
        names_this_computer(&request.body(Body::empty()).expect("a request"))
    }

    #[test]
    fn a_page_of_another_host_does_not_reach_this_computer() {
        for host in [
            "127.0.0.1:80",
            "localhost",
            "LOCALHOST:8080",
            "[::1]:80",
            "10.1.1.1",
        ] {
            assert!(accepted(host, "/"), "{host}");
            assert!(accepted("", &format!("http://{host}/")), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com:80",
            "127.0.0.1.example.com",
        ] {
            assert!(!accepted(host, "/"), "{host}");
        }
    }
}
