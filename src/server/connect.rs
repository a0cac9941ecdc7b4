//! The Connect protocol, for browsers and curl: <https://connectrpc.com/docs/protocol>.
//!
//! A call becomes one of gRPC and passes all that those pass; what differs is how its messages and its
//! errors are written.

mod error;
mod format;
mod gzip;
mod query;
mod request;
mod response;
mod schema;

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use prost_reflect::DescriptorError;
use tonic::{Status, body::Body};
use tower::Service;

use self::{
    format::MessageFormat,
    query::GetQuery,
    request::IncomingCall,
    response::AnswerFormat,
    schema::{MethodSchema, Schema},
};
use super::calls::CallService;

/// Answers calls of the Connect protocol.
#[derive(Clone)]
pub(super) struct ConnectService {
    calls: CallService,
    schema: Arc<Schema>,
    max_bytes: usize,
}

impl ConnectService {
    /// A message has at most `max_bytes`, in either form.
    pub(super) fn new(calls: CallService, max_bytes: usize) -> Result<Self, DescriptorError> {
        Ok(Self {
            calls,
            schema: Arc::new(Schema::new()?),
            max_bytes,
        })
    }

    pub(super) async fn answer(self, request: Request<Body>) -> Response<Body> {
        let method = self.schema.method(request.uri().path()).cloned();
        match (request.method(), method) {
            (&Method::POST, method) => self.post(request, method).await,
            (&Method::GET, Some(method)) if method.only_reads && !method.streams => {
                self.get(request, method).await
            }
            (&Method::GET | &Method::HEAD, None) => {
                plain(StatusCode::NOT_FOUND, "there is nothing here")
            }
            (_, method) => not_allowed(method.is_some_and(|it| it.only_reads && !it.streams)),
        }
    }

    async fn post(
        self,
        request: Request<Body>,
        method: Option<Arc<MethodSchema>>,
    ) -> Response<Body> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| content_of(value.to_str().ok()?));
        let (format, streams) = match content_type {
            Some(content @ (_, streams))
                if method.as_ref().is_none_or(|it| it.streams == streams) =>
            {
                content
            }
            _ => return unsupported(method.is_some_and(|it| it.streams)),
        };
        let call = IncomingCall {
            method,
            format,
            streams,
            max_bytes: self.max_bytes,
        };
        self.run(call, request, None).await
    }

    async fn get(self, request: Request<Body>, method: Arc<MethodSchema>) -> Response<Body> {
        let query = GetQuery::parse(request.uri().query().unwrap_or_default());
        let call = IncomingCall {
            method: Some(method),
            format: query.as_ref().map_or(MessageFormat::Json, |it| it.format),
            streams: false,
            max_bytes: self.max_bytes,
        };
        let mut response = self.run(call, request, Some(query)).await;
        // The answer depends on who asks, and in which tenant.
        let no_store = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, no_store);
        response
    }

    async fn run(
        mut self,
        call: IncomingCall,
        request: Request<Body>,
        query: Option<Result<GetQuery, Status>>,
    ) -> Response<Body> {
        let accepted = match call.streams {
            true => "connect-accept-encoding",
            false => header::ACCEPT_ENCODING.as_str(),
        };
        let answer = AnswerFormat {
            schema: self.schema,
            method: call.method.clone(),
            format: call.format,
            gzip: gzip::is_accepted(request.headers(), accepted),
        };
        let streams = call.streams;
        let Ok(response) = self.calls.call(call.into_grpc(request, query)).await;
        match streams {
            true => answer.stream(response),
            false => answer.unary(response).await,
        }
    }
}

/// The format of the messages, and whether they are streamed.
fn content_of(content_type: &str) -> Option<(MessageFormat, bool)> {
    let name = content_type.split(';').next().unwrap_or_default();
    let name = name.trim().to_ascii_lowercase();
    let name = name.strip_prefix("application/")?;
    let (name, streams) = match name.strip_prefix("connect+") {
        Some(name) => (name, true),
        None => (name, false),
    };
    Some((MessageFormat::of(name)?, streams))
}

fn unsupported(streams: bool) -> Response<Body> {
    let types = [MessageFormat::Json, MessageFormat::Proto].map(|it| it.content_type(streams));
    let text = format!("the content type must be {} or {}", types[0], types[1]);
    let mut response = plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, &text);
    if let Ok(types) = HeaderValue::try_from(types.join(", ")) {
        response.headers_mut().insert("accept-post", types);
    }
    response
}

fn not_allowed(only_reads: bool) -> Response<Body> {
    let methods = match only_reads {
        true => "GET, POST",
        false => "POST",
    };
    let text = format!("the method must be {}", methods.replace(", ", " or "));
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, &text);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(methods));
    response
}

/// An answer to what is no call.
pub(super) fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::from(format!("{text}\n"))));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_is_read_without_its_parameters() {
        let json = (MessageFormat::Json, false);
        assert_eq!(content_of("Application/JSON; charset=utf-8"), Some(json));
        let stream = (MessageFormat::Proto, true);
        assert_eq!(content_of("application/connect+proto"), Some(stream));
        for other in ["", "text/plain", "application/xml", "application/connect"] {
            assert_eq!(content_of(other), None, "{other}");
        }
    }
}
