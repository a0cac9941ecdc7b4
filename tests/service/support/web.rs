//! A client of the port for browsers and curl.

use std::{net::SocketAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use prost::Message;
use reqwest::{Client, RequestBuilder, Url};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde_json::Value;
use tonic_types::pb::ErrorInfo;

use super::{Server, wait::within};

/// Calls over HTTP/1.1.
#[derive(Clone)]
pub(crate) struct WebClient {
    client: Client,
    base: Url,
}

impl WebClient {
    /// A client of the server that tests share.
    pub(crate) async fn shared() -> Self {
        Self::of(Server::shared().await.web)
    }

    pub(crate) fn of(address: SocketAddr) -> Self {
        Self::trusting(RootCertStore::empty(), &format!("http://{address}"))
    }

    pub(crate) fn trusting(roots: RootCertStore, base: &str) -> Self {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder().tls_backend_preconfigured(tls);
        Self {
            client: client.build().unwrap(),
            base: base.parse().unwrap(),
        }
    }

    /// A request; the path is `Service/Method` for one of the package.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = match path.starts_with('/') {
            true => path.to_owned(),
            false => format!("/mailinggroups.v1.{path}"),
        };
        self.client.request(method, self.base.join(&path).unwrap())
    }

    pub(crate) fn post(&self, path: &str, content_type: &str) -> RequestBuilder {
        let request = self.request(Method::POST, path);
        request.header("content-type", content_type)
    }

    /// Calls with JSON.
    pub(crate) async fn json(&self, path: &str, tenant: &str, message: &Value) -> WebAnswer {
        let request = self.post(path, "application/json");
        WebAnswer::of(request.header("x-tenant", tenant).body(message.to_string())).await
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct WebAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl WebAnswer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = within(request.send()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = within(response.bytes()).await.unwrap();
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// The message of a call that succeeded.
    #[track_caller]
    pub(crate) fn message(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The error of a call: the status, the code and the reason.
    #[track_caller]
    pub(crate) fn refused(&self) -> (u16, String, String) {
        assert_eq!(self.header("content-type"), "application/json");
        let error: Value = serde_json::from_slice(&self.body).unwrap();
        let code = error["code"].as_str().unwrap().to_owned();
        (self.status.as_u16(), code, reason(&error))
    }

    /// The text of an error.
    pub(crate) fn error_message(&self) -> String {
        let error: Value = serde_json::from_slice(&self.body).unwrap();
        error["message"].as_str().unwrap().to_owned()
    }

    /// The messages of a stream, and its end.
    pub(crate) fn envelopes(&self) -> (Vec<Value>, Value) {
        let (mut rest, mut messages) = (&self.body[..], Vec::new());
        loop {
            let [flags, a, b, c, d, after @ ..] = rest else {
                panic!("no end after {messages:?}");
            };
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let message = serde_json::from_slice(&after[..length]).unwrap();
            rest = &after[length..];
            if *flags == 2 {
                assert!(rest.is_empty());
                return (messages, message);
            }
            assert_eq!(*flags, 0);
            messages.push(message);
        }
    }
}

/// The reason of an error, from the `ErrorInfo` that every error has.
pub(crate) fn reason(error: &Value) -> String {
    let details = error["details"].as_array().unwrap();
    let detail = details
        .iter()
        .find(|it| it["type"] == "google.rpc.ErrorInfo");
    let value = detail.unwrap()["value"].as_str().unwrap();
    let info = ErrorInfo::decode(&*STANDARD_NO_PAD.decode(value).unwrap()).unwrap();
    assert_eq!(info.domain, "mailinggroups");
    info.reason
}

/// A message in an envelope.
pub(crate) fn envelope(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], message].concat()
}
