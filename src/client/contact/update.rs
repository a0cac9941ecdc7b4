//! Changing a contact.

use super::{
    ContactSession, Error, EtagArgs, RecordFormatArgs, RecordPrinter, attributes, mask, record,
    rows,
};
use crate::pb::{Contact, ContactKind, UpdateContactRequest};

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true, id = "fields",
        args = ["kind", "name", "company", "email", "exclude_from_segments", "privacy_blocked",
                "attributes"])]
pub(super) struct UpdateArgs {
    /// The contact
    #[arg(value_name = "ID")]
    id: String,
    /// company or person
    #[arg(long, value_name = "KIND", value_parser = rows::parse_kind)]
    kind: Option<ContactKind>,
    /// Its name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The company of a person; '' for none
    #[arg(long, value_name = "ID")]
    company: Option<String>,
    /// An e-mail address; '' for none
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Whether the contact is left out of segments; without a value true
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    exclude_from_segments: Option<bool>,
    /// Whether the contact is blocked for reasons of privacy; without a value true
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    privacy_blocked: Option<bool>,
    /// What else the contact is, such as territory=CH; territory= removes it. Can be repeated
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = attributes::parse)]
    attributes: Vec<(String, String)>,
    #[command(flatten)]
    etag: EtagArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl UpdateArgs {
    pub(super) async fn run(self, session: &mut ContactSession) -> Result<(), Error> {
        let fields = [
            ("kind", self.kind.is_some()),
            ("name", self.name.is_some()),
            ("company_id", self.company.is_some()),
            ("email", self.email.is_some()),
            (
                "exclude_from_segments",
                self.exclude_from_segments.is_some(),
            ),
            ("privacy_blocked", self.privacy_blocked.is_some()),
        ];
        let changed = fields.iter().filter(|(_, is_given)| *is_given);
        let keys = self.attributes.iter();
        let keys: Vec<_> = keys
            .map(|(key, _)| format!("{}{key}", rows::ATTRIBUTE))
            .collect();
        let changed = changed.map(|(name, _)| *name);
        let changed: Vec<_> = changed.chain(keys.iter().map(String::as_str)).collect();
        let contact = Contact {
            id: self.id,
            kind: self.kind.unwrap_or_default().into(),
            name: self.name.unwrap_or_default(),
            company_id: self.company.unwrap_or_default(),
            email: self.email.unwrap_or_default(),
            exclude_from_segments: self.exclude_from_segments,
            privacy_blocked: self.privacy_blocked,
            attributes: self.attributes.into_iter().collect(),
            etag: self.etag.etag,
            ..Contact::default()
        };
        let request = session.connection.unary(UpdateContactRequest {
            contact: Some(contact),
            update_mask: mask(&changed),
            ..UpdateContactRequest::default()
        });
        let updated = session.client.update_contact(request).await?.into_inner();
        RecordPrinter::one(self.format, record(&updated.contact.unwrap_or_default()))
    }
}
