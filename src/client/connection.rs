//! The connection to the service: the flags that every command has, TLS, the tenant, the token.

mod tls;
mod token;

use std::{env, time::Duration};

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use self::{
    tls::ClientTlsArgs,
    token::{TokenArgs, TokenSource},
};
use super::error::Error;
use crate::{
    duration,
    model::{InvalidValue, TenantName},
};

/// The limit for connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The interval of HTTP/2 pings on a silent connection.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// The limit for the answer to a ping.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:50051";

/// A channel that sends the tenant's name and the token with every call.
pub(super) type TenantChannel = InterceptedService<Channel, CallHeaders>;

/// The flags that name the service, the tenant and the caller.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ConnectionArgs {
    /// Where the service listens; https:// for TLS
    #[arg(long, global = true, value_name = "URL", env = "MAILING_GROUPS_ENDPOINT", default_value = DEFAULT_ENDPOINT,
          value_parser = endpoint, help_heading = "Connection")]
    endpoint: Endpoint,
    /// The tenant to work on: 1 to 63 of a-z 0-9 and '-' [default: the service's `default`]
    #[arg(long, global = true, value_name = "NAME", env = "MAILING_GROUPS_TENANT", help_heading = "Connection",
          value_parser = tenant)]
    tenant: Option<MetadataValue<Ascii>>,
    /// Timeout of a single call, such as 500ms, 30s or 2m; streams have none
    #[arg(long, global = true, value_name = "DURATION", env = "MAILING_GROUPS_TIMEOUT", default_value = "30s",
          value_parser = duration::parse, help_heading = "Connection")]
    timeout: Duration,
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    tls: ClientTlsArgs,
}

impl ConnectionArgs {
    /// Connects. Fails at once if nothing listens.
    pub(super) async fn open(&self) -> Result<TenantChannel, Error> {
        let token = self.token.source(self.endpoint.uri())?;
        let channel = self.channel().await?;
        let headers = CallHeaders {
            tenant: self.tenant.clone(),
            token,
            traceparent: env::var("TRACEPARENT").ok().and_then(|it| it.parse().ok()),
        };
        Ok(InterceptedService::new(channel, headers))
    }

    /// Connects, for calls that need neither tenant nor token.
    pub(super) async fn channel(&self) -> Result<Channel, Error> {
        let channel = self.endpoint()?.connect().await;
        channel.map_err(|source| Error::Unreachable {
            endpoint: self
                .endpoint
                .uri()
                .to_string()
                .trim_end_matches('/')
                .to_owned(),
            source,
        })
    }

    /// The request of a unary call, with its deadline.
    pub(super) fn unary<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        request
    }

    fn endpoint(&self) -> Result<Endpoint, Error> {
        let endpoint = self
            .endpoint
            .clone()
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .user_agent(concat!("mailing-groups/", env!("CARGO_PKG_VERSION")))
            .expect("an ASCII name");
        match self.endpoint.uri().scheme_str() {
            Some("https") => self.tls.secure(endpoint),
            _ => self.tls.require_unused().map(|()| endpoint),
        }
    }
}

fn endpoint(text: &str) -> Result<Endpoint, String> {
    let endpoint = Endpoint::from_shared(text.to_owned()).map_err(|error| error.to_string())?;
    match endpoint.uri().scheme_str() {
        Some("http" | "https") => Ok(endpoint),
        _ => Err(format!("write http://{text} or https://{text}")),
    }
}

fn tenant(text: &str) -> Result<MetadataValue<Ascii>, String> {
    let name: TenantName = text.parse().map_err(|it: InvalidValue| it.to_string())?;
    name.as_str()
        .parse()
        .map_err(|_| "not ASCII text".to_owned())
}

/// Adds the tenant's name, the token, and the trace that the command is part of, to every call's
/// metadata, if they were given.
#[derive(Debug, Clone)]
pub(super) struct CallHeaders {
    tenant: Option<MetadataValue<Ascii>>,
    token: TokenSource,
    traceparent: Option<MetadataValue<Ascii>>,
}

impl Interceptor for CallHeaders {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(name) = &self.tenant {
            request.metadata_mut().insert("x-tenant", name.clone());
        }
        if let Some(parent) = &self.traceparent {
            request.metadata_mut().insert("traceparent", parent.clone());
        }
        let token = self.token.current();
        if let Some(token) = token.map_err(|error| Status::unauthenticated(error.to_string()))? {
            request.metadata_mut().insert("authorization", token);
        }
        Ok(request)
    }
}
