//! `group`: mailing groups one by one.

use super::{
    Completion, DryRunArgs, EtagArgs, after_help,
    connection::{ConnectionArgs, TenantChannel},
    each_page,
    error::Error,
    mask,
    records::{Record, RecordFormatArgs, RecordPrinter},
    terminal::pluralize,
};
use crate::pb::{
    CreateMailingGroupRequest, DeleteMailingGroupRequest, GetMailingGroupRequest,
    ListMailingGroupsRequest, MailingGroup, RenameMailingGroupRequest, UpdateMailingGroupRequest,
    mailing_groups_client::MailingGroupsClient,
};

const EXAMPLES: &str = "\
Examples:
  mailing-groups group create MOVE 'Moves to the new office'
  mailing-groups group list --order-by 'contact_count desc' --limit 10
  mailing-groups group describe MOVE 'Moves in 2026'
  mailing-groups group rename MOVE MOVE2026
  mailing-groups group delete MOVE2026 --force --dry-run";

/// The arguments of `group`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(EXAMPLES, "the command was carried out"))]
pub struct GroupArgs {
    #[command(subcommand)]
    command: GroupCommand,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, clap::Subcommand)]
enum GroupCommand {
    /// Create a mailing group
    Create(CreateGroupArgs),
    /// Show a mailing group
    Get(GetGroupArgs),
    /// List mailing groups
    List(ListGroupsArgs),
    /// Change a mailing group's description
    Describe(DescribeGroupArgs),
    /// Give a mailing group another code; the former one still leads to it
    Rename(RenameGroupArgs),
    /// Delete a mailing group
    Delete(DeleteGroupArgs),
}

#[derive(Debug, clap::Args)]
struct CreateGroupArgs {
    /// 1 to 11 letters and digits
    #[arg(value_name = "CODE")]
    code: String,
    /// What the group is for
    #[arg(value_name = "DESCRIPTION")]
    description: Option<String>,
    /// Take the code although it is the former one of a renamed group
    #[arg(long)]
    reuse_former: bool,
    #[command(flatten)]
    format: RecordFormatArgs,
}

#[derive(Debug, clap::Args)]
struct GetGroupArgs {
    /// The group
    #[arg(value_name = "CODE")]
    code: String,
    #[command(flatten)]
    format: RecordFormatArgs,
}

#[derive(Debug, clap::Args)]
struct ListGroupsArgs {
    /// Only groups whose codes start with this
    #[arg(value_name = "PREFIX")]
    prefix: Option<String>,
    /// code, contact_count or update_time, and ` desc` after it for the reverse order
    #[arg(long, value_name = "ORDER", default_value = "code")]
    order_by: String,
    /// The most groups to list [default: all]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    format: RecordFormatArgs,
}

#[derive(Debug, clap::Args)]
struct DescribeGroupArgs {
    /// The group
    #[arg(value_name = "CODE")]
    code: String,
    /// What it is for
    #[arg(value_name = "DESCRIPTION")]
    description: String,
    #[command(flatten)]
    etag: EtagArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

#[derive(Debug, clap::Args)]
struct RenameGroupArgs {
    /// The group
    #[arg(value_name = "CODE")]
    code: String,
    /// Its new code
    #[arg(value_name = "NEW")]
    new_code: String,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

#[derive(Debug, clap::Args)]
struct DeleteGroupArgs {
    /// The group
    #[arg(value_name = "CODE")]
    code: String,
    /// Also if contacts have it: takes it from them
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl GroupArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        let mut session = GroupSession {
            client: MailingGroupsClient::new(self.connection.open().await?),
            connection: self.connection,
        };
        match self.command {
            GroupCommand::Create(args) => session.create(args).await,
            GroupCommand::Get(args) => session.get(args).await,
            GroupCommand::List(args) => session.list(args).await,
            GroupCommand::Describe(args) => session.describe(args).await,
            GroupCommand::Rename(args) => session.rename(args).await,
            GroupCommand::Delete(args) => session.delete(args).await,
        }?;
        Ok(Completion::Complete)
    }
}

/// The client of the service, with the flags for its calls.
struct GroupSession {
    client: MailingGroupsClient<TenantChannel>,
    connection: ConnectionArgs,
}

impl GroupSession {
    async fn create(&mut self, args: CreateGroupArgs) -> Result<(), Error> {
        let group = MailingGroup {
            code: args.code,
            description: args.description.unwrap_or_default(),
            ..MailingGroup::default()
        };
        let request = self.connection.unary(CreateMailingGroupRequest {
            mailing_group: Some(group),
            reuse_former: args.reuse_former,
            ..CreateMailingGroupRequest::default()
        });
        let created = self
            .client
            .create_mailing_group(request)
            .await?
            .into_inner();
        RecordPrinter::one(
            args.format,
            record(created.mailing_group.unwrap_or_default()),
        )
    }

    async fn get(&mut self, args: GetGroupArgs) -> Result<(), Error> {
        let request = GetMailingGroupRequest { code: args.code };
        let request = self.connection.unary(request);
        let found = self.client.get_mailing_group(request).await?.into_inner();
        RecordPrinter::one(args.format, record(found.mailing_group.unwrap_or_default()))
    }

    async fn list(&mut self, args: ListGroupsArgs) -> Result<(), Error> {
        let mut printer = RecordPrinter::new(args.format, args.limit);
        each_page(async |page_token| {
            let request = self.connection.unary(ListMailingGroupsRequest {
                prefix: args.prefix.clone().unwrap_or_default(),
                order_by: args.order_by.clone(),
                page_token,
                ..ListMailingGroupsRequest::default()
            });
            let page = self.client.list_mailing_groups(request).await?.into_inner();
            let records = page.mailing_groups.into_iter().map(record).collect();
            printer.page(records, page.next_page_token)
        })
        .await
    }

    async fn describe(&mut self, args: DescribeGroupArgs) -> Result<(), Error> {
        let group = MailingGroup {
            code: args.code,
            description: args.description,
            etag: args.etag.etag,
            ..MailingGroup::default()
        };
        let request = self.connection.unary(UpdateMailingGroupRequest {
            mailing_group: Some(group),
            update_mask: mask(&["description"]),
            ..UpdateMailingGroupRequest::default()
        });
        let updated = self
            .client
            .update_mailing_group(request)
            .await?
            .into_inner();
        RecordPrinter::one(
            args.format,
            record(updated.mailing_group.unwrap_or_default()),
        )
    }

    async fn rename(&mut self, args: RenameGroupArgs) -> Result<(), Error> {
        let request = self.connection.unary(RenameMailingGroupRequest {
            code: args.code,
            new_code: args.new_code,
            validate_only: args.dry_run.dry_run,
            ..RenameMailingGroupRequest::default()
        });
        let renamed = self
            .client
            .rename_mailing_group(request)
            .await?
            .into_inner();
        RecordPrinter::one(
            args.format,
            record(renamed.mailing_group.unwrap_or_default()),
        )
    }

    async fn delete(&mut self, args: DeleteGroupArgs) -> Result<(), Error> {
        let request = self.connection.unary(DeleteMailingGroupRequest {
            code: args.code.clone(),
            force: args.force,
            validate_only: args.dry_run.dry_run,
            ..DeleteMailingGroupRequest::default()
        });
        let deleted = self
            .client
            .delete_mailing_group(request)
            .await?
            .into_inner();
        let taken = pluralize(deleted.unassigned_count, "contact", "contacts");
        let (code, suffix) = (args.code, args.dry_run.suffix());
        let sentence = format!("mailing group {code} deleted, taken from {taken}{suffix}");
        let result = Record(vec![
            ("code", code.into()),
            ("unassigned_count", deleted.unassigned_count.into()),
            ("revision", deleted.revision.into()),
        ]);
        args.format.done(&sentence, result)
    }
}

fn record(group: MailingGroup) -> Record {
    Record(vec![
        ("code", group.code.into()),
        ("description", group.description.into()),
        ("contact_count", group.contact_count.into()),
        ("revision", group.revision.into()),
        ("etag", group.etag.into()),
    ])
}
