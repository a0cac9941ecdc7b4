//! `tenant`: creates, lists, limits and deletes tenants.

use serde_json::{Value, json};

use super::{
    Completion, DryRunArgs, after_help,
    connection::{ConnectionArgs, TenantChannel},
    each_page,
    error::Error,
    mask,
    records::{Record, RecordFormatArgs, RecordPrinter},
    terminal::pluralize,
};
use crate::pb::{
    CreateTenantRequest, DeleteTenantRequest, GetTenantRequest, ListTenantsRequest, Tenant,
    TenantCounts, TenantLimits, UpdateTenantRequest, tenants_client::TenantsClient,
};

const EXAMPLES: &str = "\
Examples:
  mailing-groups tenant create acme
  mailing-groups tenant list
  mailing-groups tenant show acme
  mailing-groups tenant limit acme --max-contacts 100000
  mailing-groups tenant delete acme --dry-run";

/// The arguments of `tenant`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(EXAMPLES, "the command was carried out"))]
pub struct TenantArgs {
    #[command(subcommand)]
    command: TenantCommand,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, clap::Subcommand)]
enum TenantCommand {
    /// Create an empty tenant
    Create(TenantNameArgs),
    /// List all tenants
    List(ListTenantsArgs),
    /// Show what a tenant has and may have
    #[command(visible_alias = "get")]
    Show(TenantNameArgs),
    /// Limit how much a tenant may have
    ///
    /// What it has already stays, also if it is more.
    Limit(LimitTenantArgs),
    /// Delete a tenant with all its data
    ///
    /// A large tenant takes longer than one call may. If the command ends with DEADLINE_EXCEEDED,
    /// run it again: it goes on with the rest.
    Delete(DeleteTenantArgs),
}

#[derive(Debug, clap::Args)]
struct TenantNameArgs {
    /// The tenant: 1 to 63 of a-z 0-9 and '-'
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    format: RecordFormatArgs,
}

#[derive(Debug, clap::Args)]
struct ListTenantsArgs {
    /// Only tenants whose names start with this
    #[arg(value_name = "PREFIX")]
    prefix: Option<String>,
    #[command(flatten)]
    format: RecordFormatArgs,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true, id = "limits", args = ["max_contacts", "max_groups", "max_segments", "max_streams", "max_calls_per_second"])]
struct LimitTenantArgs {
    #[command(flatten)]
    tenant: TenantNameArgs,
    /// Maximum number of contacts; 0 for no limit
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(0..))]
    max_contacts: Option<i64>,
    /// Maximum number of mailing groups; 0 for no limit
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(0..))]
    max_groups: Option<i64>,
    /// Maximum number of segments; 0 for no limit
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(0..))]
    max_segments: Option<i64>,
    /// Maximum number of open streams on a server; 0 for no limit of its own
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(0..))]
    max_streams: Option<i64>,
    /// Maximum number of calls in a second on a server; 0 for no limit of its own
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(0..))]
    max_calls_per_second: Option<i64>,
}

#[derive(Debug, clap::Args)]
struct DeleteTenantArgs {
    #[command(flatten)]
    tenant: TenantNameArgs,
    #[command(flatten)]
    dry_run: DryRunArgs,
}

impl TenantArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        let mut session = TenantSession {
            client: TenantsClient::new(self.connection.open().await?),
            connection: self.connection,
        };
        match self.command {
            TenantCommand::Create(create) => session.create(create).await,
            TenantCommand::List(list) => session.list(list).await,
            TenantCommand::Show(show) => session.show(show).await,
            TenantCommand::Limit(limit) => session.limit(limit).await,
            TenantCommand::Delete(delete) => session.delete(delete).await,
        }?;
        Ok(Completion::Complete)
    }
}

/// The client of the service, with the flags for its calls.
struct TenantSession {
    client: TenantsClient<TenantChannel>,
    connection: ConnectionArgs,
}

impl TenantSession {
    async fn create(&mut self, args: TenantNameArgs) -> Result<(), Error> {
        let tenant = Some(Tenant {
            name: args.name,
            ..Tenant::default()
        });
        let request = self.connection.unary(CreateTenantRequest {
            tenant,
            ..CreateTenantRequest::default()
        });
        let created = self.client.create_tenant(request).await?.into_inner();
        RecordPrinter::one(args.format, record(created.tenant.unwrap_or_default()))
    }

    async fn list(&mut self, args: ListTenantsArgs) -> Result<(), Error> {
        let mut printer = RecordPrinter::new(args.format, None);
        each_page(async |page_token| {
            let request = self.connection.unary(ListTenantsRequest {
                prefix: args.prefix.clone().unwrap_or_default(),
                page_token,
                ..ListTenantsRequest::default()
            });
            let page = self.client.list_tenants(request).await?.into_inner();
            let records = page.tenants.into_iter().map(record).collect();
            printer.page(records, page.next_page_token)
        })
        .await
    }

    async fn show(&mut self, args: TenantNameArgs) -> Result<(), Error> {
        let request = self.connection.unary(GetTenantRequest { name: args.name });
        let found = self.client.get_tenant(request).await?.into_inner();
        RecordPrinter::one(args.format, record(found.tenant.unwrap_or_default()))
    }

    async fn limit(&mut self, args: LimitTenantArgs) -> Result<(), Error> {
        let limits = [
            ("limits.max_contacts", args.max_contacts),
            ("limits.max_mailing_groups", args.max_groups),
            ("limits.max_segments", args.max_segments),
            ("limits.max_streams", args.max_streams),
            ("limits.max_calls_per_second", args.max_calls_per_second),
        ];
        let paths = limits.iter().filter(|(_, limit)| limit.is_some());
        let paths: Vec<_> = paths.map(|(path, _)| *path).collect();
        let limits = TenantLimits {
            max_contacts: args.max_contacts.unwrap_or_default(),
            max_mailing_groups: args.max_groups.unwrap_or_default(),
            max_segments: args.max_segments.unwrap_or_default(),
            max_streams: args.max_streams.unwrap_or_default(),
            max_calls_per_second: args.max_calls_per_second.unwrap_or_default(),
        };
        let request = self.connection.unary(UpdateTenantRequest {
            tenant: Some(Tenant {
                name: args.tenant.name,
                limits: Some(limits),
                ..Tenant::default()
            }),
            update_mask: mask(&paths),
            ..UpdateTenantRequest::default()
        });
        let updated = self.client.update_tenant(request).await?.into_inner();
        let format = args.tenant.format;
        RecordPrinter::one(format, record(updated.tenant.unwrap_or_default()))
    }

    async fn delete(&mut self, args: DeleteTenantArgs) -> Result<(), Error> {
        let TenantNameArgs { name, format } = args.tenant;
        let request = self.connection.unary(DeleteTenantRequest {
            name: name.clone(),
            validate_only: args.dry_run.dry_run,
            ..DeleteTenantRequest::default()
        });
        let deleted = self.client.delete_tenant(request).await?.into_inner();
        let counts = deleted.counts.unwrap_or_default();
        let (had, suffix) = (sentence(&counts), args.dry_run.suffix());
        let sentence = format!("tenant {name} deleted: {had}{suffix}");
        let result = Record(vec![
            ("name", name.into()),
            ("counts", counts_value(counts)),
        ]);
        format.done(&sentence, result)
    }
}

fn record(tenant: Tenant) -> Record {
    let limits = tenant.limits.unwrap_or_default();
    Record(vec![
        ("name", tenant.name.into()),
        ("revision", tenant.revision.into()),
        ("counts", counts_value(tenant.counts.unwrap_or_default())),
        (
            "limits",
            json!({
                "max_contacts": limits.max_contacts,
                "max_mailing_groups": limits.max_mailing_groups,
                "max_segments": limits.max_segments,
                "max_streams": limits.max_streams,
                "max_calls_per_second": limits.max_calls_per_second,
            }),
        ),
        ("etag", tenant.etag.into()),
    ])
}

fn counts_value(counts: TenantCounts) -> Value {
    json!({
        "mailing_group_count": counts.mailing_group_count,
        "contact_count": counts.contact_count,
        "membership_count": counts.membership_count,
        "segment_count": counts.segment_count,
    })
}

fn sentence(counts: &TenantCounts) -> String {
    let counts = [
        pluralize(
            counts.mailing_group_count,
            "mailing group",
            "mailing groups",
        ),
        pluralize(counts.contact_count, "contact", "contacts"),
        pluralize(counts.membership_count, "membership", "memberships"),
        pluralize(counts.segment_count, "segment", "segments"),
    ];
    counts.join(", ")
}
