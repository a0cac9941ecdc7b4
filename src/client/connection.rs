//! How a command reaches the service: the flags every command has, TLS, the tenant.

use std::time::Duration;

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, ClientTlsConfig, Endpoint},
};

use super::error::Error;
use crate::duration;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a silent connection is asked for a sign of life, and how long it has to give one.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:50051";

/// A connection that says whose data is meant.
pub(super) type TenantChannel = InterceptedService<Channel, TenantInterceptor>;

/// The flags that say which service is asked, and for whom.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ConnectionArgs {
    /// Where the service listens; https:// for TLS with the system's trusted certificates
    #[arg(long, global = true, value_name = "URL", env = "MAILING_GROUPS_ENDPOINT", default_value = DEFAULT_ENDPOINT,
          value_parser = endpoint, help_heading = "Connection")]
    endpoint: Endpoint,
    /// Whose data is meant: 1 to 63 of a-z 0-9 and '-' [default: the service's `default`]
    #[arg(long, global = true, value_name = "NAME", env = "MAILING_GROUPS_TENANT", help_heading = "Connection",
          value_parser = tenant)]
    tenant: Option<MetadataValue<Ascii>>,
    /// How long a single call may take, such as 500ms, 30s or 2m; streams are not bounded
    #[arg(long, global = true, value_name = "DURATION", env = "MAILING_GROUPS_TIMEOUT", default_value = "30s",
          value_parser = duration::parse, help_heading = "Connection")]
    timeout: Duration,
}

impl ConnectionArgs {
    /// Connects. Fails at once where nothing listens.
    pub(super) async fn open(&self) -> Result<TenantChannel, Error> {
        let channel = match self.endpoint() {
            Ok(endpoint) => endpoint.connect().await,
            Err(error) => Err(error),
        };
        let channel = channel.map_err(|source| Error::Unreachable {
            endpoint: self
                .endpoint
                .uri()
                .to_string()
                .trim_end_matches('/')
                .to_owned(),
            source,
        })?;
        Ok(InterceptedService::new(
            channel,
            TenantInterceptor(self.tenant.clone()),
        ))
    }

    /// A single call's request, with its deadline.
    pub(super) fn unary<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        request
    }

    fn endpoint(&self) -> Result<Endpoint, tonic::transport::Error> {
        let (interval, patience) = KEEP_ALIVE;
        let endpoint = self
            .endpoint
            .clone()
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(interval)
            .keep_alive_timeout(patience)
            .user_agent(concat!("mailing-groups/", env!("CARGO_PKG_VERSION")))?;
        match self.endpoint.uri().scheme_str() {
            Some("https") => endpoint.tls_config(ClientTlsConfig::new().with_native_roots()),
            _ => Ok(endpoint),
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
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=63).contains(&text.len()) || !text.chars().all(fits) {
        return Err("a tenant is named by 1 to 63 of a-z 0-9 and '-'".to_owned());
    }
    text.parse().map_err(|_| "not fit for metadata".to_owned())
}

/// Puts the tenant's name, if one was given, into every call's metadata.
#[derive(Debug, Clone)]
pub(super) struct TenantInterceptor(Option<MetadataValue<Ascii>>);

impl Interceptor for TenantInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(name) = &self.0 {
            request.metadata_mut().insert("x-tenant", name.clone());
        }
        Ok(request)
    }
}
