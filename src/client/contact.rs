//! `contact`: contacts one by one, and `merge`.

mod attributes;
mod merge;
mod update;

use super::{
    Completion, DryRunArgs, EtagArgs, after_help,
    connection::{ConnectionArgs, TenantChannel},
    each_page,
    error::Error,
    mask,
    records::{Record, RecordFormatArgs, RecordPrinter},
    rows,
    terminal::pluralize,
};
use crate::pb::{
    Contact, ContactKind, CreateContactRequest, DeleteContactRequest, GetContactRequest,
    ListContactsRequest, contacts_client::ContactsClient,
};

const EXAMPLES: &str = "\
Examples:
  mailing-groups contact create C1 'Orchard & Sons' --kind company
  mailing-groups contact create P1 'Mabel Ellis' --company C1 --email mabel@example.com
  mailing-groups contact update P1 --email mabel@example.org --privacy-blocked
  mailing-groups contact update P1 --attribute territory=CH --attribute class=
  mailing-groups contact list --group MOVE --limit 10
  mailing-groups contact attributes territory
  mailing-groups contact delete P1 --force --dry-run
  mailing-groups contact merge P1 P2 P3 --dry-run";

/// The arguments of `contact`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help(EXAMPLES, "the command was carried out"))]
pub struct ContactArgs {
    #[command(subcommand)]
    command: ContactCommand,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, clap::Subcommand)]
enum ContactCommand {
    /// Create a contact
    Create(CreateContactArgs),
    /// Show a contact
    Get(GetContactArgs),
    /// List contacts
    List(ListContactsArgs),
    /// List the attributes that contacts have, or the values of one, with the number of contacts
    Attributes(attributes::ListAttributesArgs),
    /// Change fields of a contact; the others stay
    Update(update::UpdateArgs),
    /// Delete a contact
    Delete(DeleteContactArgs),
    /// Merge contacts into another, which gets their groups and what it lacks
    ///
    /// They are merged one after the other, in the order given, each with a line of output. If the
    /// command ends early, such as with DEADLINE_EXCEEDED, run it again with those that have no
    /// line yet: it goes on with the rest.
    Merge(merge::MergeArgs),
}

#[derive(Debug, clap::Args)]
struct CreateContactArgs {
    /// The contact's id
    #[arg(value_name = "ID")]
    id: String,
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// company or person
    #[arg(long, value_name = "KIND", default_value = "person", value_parser = rows::parse_kind)]
    kind: ContactKind,
    /// The company of a person
    #[arg(long, value_name = "ID")]
    company: Option<String>,
    /// An e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Leave the contact out of segments
    #[arg(long)]
    exclude_from_segments: bool,
    /// Mark the contact as blocked for reasons of privacy
    #[arg(long)]
    privacy_blocked: bool,
    /// What else the contact is, such as territory=CH; can be repeated
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = attributes::parse)]
    attributes: Vec<(String, String)>,
    #[command(flatten)]
    format: RecordFormatArgs,
}

#[derive(Debug, clap::Args)]
struct GetContactArgs {
    /// The contact
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    format: RecordFormatArgs,
}

#[derive(Debug, clap::Args)]
struct ListContactsArgs {
    /// Only contacts whose ids start with this
    #[arg(value_name = "PREFIX")]
    prefix: Option<String>,
    /// Only companies or only persons
    #[arg(long, value_name = "KIND", value_parser = rows::parse_kind)]
    kind: Option<ContactKind>,
    /// Only persons of this company
    #[arg(long, value_name = "ID")]
    company: Option<String>,
    /// Only contacts with this mailing group
    #[arg(long, value_name = "CODE")]
    group: Option<String>,
    /// Only contacts whose names contain this
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Only contacts with this e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The most contacts to list [default: all]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    format: RecordFormatArgs,
}

#[derive(Debug, clap::Args)]
struct DeleteContactArgs {
    /// The contact
    #[arg(value_name = "ID")]
    id: String,
    /// Also if it has mailing groups or is the company of persons
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl ContactArgs {
    pub(super) async fn run(self) -> Result<Completion, Error> {
        let mut session = ContactSession {
            client: ContactsClient::new(self.connection.open().await?),
            connection: self.connection,
        };
        match self.command {
            ContactCommand::Create(args) => session.create(args).await,
            ContactCommand::Get(args) => session.get(args).await,
            ContactCommand::List(args) => session.list(args).await,
            ContactCommand::Attributes(args) => args.run(&mut session).await,
            ContactCommand::Update(args) => args.run(&mut session).await,
            ContactCommand::Delete(args) => session.delete(args).await,
            ContactCommand::Merge(args) => args.run(&mut session).await,
        }?;
        Ok(Completion::Complete)
    }
}

/// The client of the service, with the flags for its calls.
struct ContactSession {
    client: ContactsClient<TenantChannel>,
    connection: ConnectionArgs,
}

impl ContactSession {
    async fn create(&mut self, args: CreateContactArgs) -> Result<(), Error> {
        let contact = Contact {
            id: args.id,
            kind: args.kind.into(),
            name: args.name,
            company_id: args.company.unwrap_or_default(),
            email: args.email.unwrap_or_default(),
            exclude_from_segments: Some(args.exclude_from_segments),
            privacy_blocked: Some(args.privacy_blocked),
            attributes: args.attributes.into_iter().collect(),
            ..Contact::default()
        };
        let request = self.connection.unary(CreateContactRequest {
            contact: Some(contact),
            ..CreateContactRequest::default()
        });
        let created = self.client.create_contact(request).await?.into_inner();
        RecordPrinter::one(args.format, record(&created.contact.unwrap_or_default()))
    }

    async fn get(&mut self, args: GetContactArgs) -> Result<(), Error> {
        let request = self.connection.unary(GetContactRequest { id: args.id });
        let found = self.client.get_contact(request).await?.into_inner();
        RecordPrinter::one(args.format, record(&found.contact.unwrap_or_default()))
    }

    async fn list(&mut self, args: ListContactsArgs) -> Result<(), Error> {
        let mut printer = RecordPrinter::new(args.format, args.limit);
        let filter = ListContactsRequest {
            prefix: args.prefix.unwrap_or_default(),
            kind: args.kind.unwrap_or_default().into(),
            company_id: args.company.unwrap_or_default(),
            code: args.group.unwrap_or_default(),
            name_contains: args.name.unwrap_or_default(),
            email: args.email.unwrap_or_default(),
            ..ListContactsRequest::default()
        };
        each_page(async |page_token| {
            let request = self.connection.unary(ListContactsRequest {
                page_token,
                ..filter.clone()
            });
            let page = self.client.list_contacts(request).await?.into_inner();
            let records = page.contacts.iter().map(record).collect();
            printer.page(records, page.next_page_token)
        })
        .await
    }

    async fn delete(&mut self, args: DeleteContactArgs) -> Result<(), Error> {
        let request = self.connection.unary(DeleteContactRequest {
            id: args.id.clone(),
            force: args.force,
            validate_only: args.dry_run.dry_run,
            ..DeleteContactRequest::default()
        });
        let deleted = self.client.delete_contact(request).await?.into_inner();
        let groups = pluralize(deleted.unassigned_count, "mailing group", "mailing groups");
        let persons = pluralize(deleted.detached_person_count, "person", "persons");
        let (id, suffix) = (args.id, args.dry_run.suffix());
        let sentence = format!(
            "contact {id} deleted, with {groups}; {persons} left without a company{suffix}"
        );
        let result = Record(vec![
            ("id", id.into()),
            ("unassigned_count", deleted.unassigned_count.into()),
            (
                "detached_person_count",
                deleted.detached_person_count.into(),
            ),
            ("revision", deleted.revision.into()),
        ]);
        args.format.done(&sentence, result)
    }
}

fn record(contact: &Contact) -> Record {
    let columns = rows::CONTACT.into_iter().zip(rows::contact(contact));
    let mut fields: Vec<_> = columns
        .map(|(name, text)| match name {
            "exclude_from_segments" | "privacy_blocked" => (name, (text == "true").into()),
            "attributes" => (name, serde_json::json!(contact.attributes)),
            _ => (name, text.into()),
        })
        .collect();
    fields.extend([
        ("mailing_group_count", contact.mailing_group_count.into()),
        ("revision", contact.revision.into()),
        ("etag", contact.etag.clone().into()),
    ]);
    Record(fields)
}
