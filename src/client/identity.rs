//! `health` and `whoami`: whether the service can be used, and as whom.

use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{
    Completion, after_help,
    connection::ConnectionArgs,
    error::Error,
    records::{Record, RecordFormatArgs, RecordPrinter},
};
use crate::pb::{WhoAmIRequest, identity_client::IdentityClient};

const HEALTH_EXAMPLES: &str = "\
Examples:
  mailing-groups health
  mailing-groups health --timeout 2s --endpoint https://mailing-groups.example.com:443
  mailing-groups health --service mailinggroups.v1.Contacts";

const WHOAMI_EXAMPLES: &str = "\
Examples:
  mailing-groups whoami --token-file token";

/// The arguments of `health`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(HEALTH_EXAMPLES, "the service is SERVING: reads and writes work"))]
pub struct HealthArgs {
    /// The full name of a gRPC service [default: the server as a whole]
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    service: String,
    #[command(flatten)]
    format: RecordFormatArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl HealthArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        let mut client = HealthClient::new(self.connection.channel().await?);
        let service = self.service;
        let request = self.connection.unary(HealthCheckRequest { service });
        let health = client.check(request).await?.into_inner().status();
        match health {
            ServingStatus::Serving => {
                let status = health.as_str_name();
                let result = Record(vec![("status", status.into())]);
                self.format.done(status, result)?;
                Ok(Completion::Complete)
            }
            _ => Err(Error::Input(format!(
                "the service is {}; its log says why",
                health.as_str_name()
            ))),
        }
    }
}

/// The arguments of `whoami`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(WHOAMI_EXAMPLES, "the service knows the caller"))]
pub struct WhoAmIArgs {
    #[command(flatten)]
    format: RecordFormatArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl WhoAmIArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        let mut client = IdentityClient::new(self.connection.open().await?);
        let request = self.connection.unary(WhoAmIRequest {});
        let caller = client.who_am_i(request).await?.into_inner();
        let expiry = caller.expire_time.map(|it| it.to_string());
        let (kind, access) = (caller.kind(), caller.access());
        let record = Record(vec![
            ("principal", caller.principal.into()),
            (
                "kind",
                kind.as_str_name()
                    .trim_start_matches("PRINCIPAL_KIND_")
                    .into(),
            ),
            ("tenants", caller.tenants.into()),
            (
                "access",
                access.as_str_name().trim_start_matches("ACCESS_").into(),
            ),
            ("expire_time", expiry.into()),
        ]);
        RecordPrinter::one(self.format, record)?;
        Ok(Completion::Complete)
    }
}
