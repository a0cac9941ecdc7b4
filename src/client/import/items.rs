//! The items that are imported: the messages made of rows.

use std::collections::BTreeMap;

use prost::Message;

use super::columns::{CsvFields, ExpectedColumns};
use crate::{client::rows, model::Code, pb};

/// One row of a file is one item.
pub(super) trait ImportItem: Message + Clone + Default + 'static {
    /// The columns, by their names in the header.
    const COLUMNS: ExpectedColumns;
    /// The noun in reports, singular and plural.
    const NOUN: [&'static str; 2];
    /// The verb in reports for a new item.
    const CREATED: &'static str = "created";
    /// How often the file is read. Items of a later pass depend on those of an earlier one.
    const PASSES: usize = 1;

    /// Makes an item of a row. The error names the column and the reason. Other checks are the
    /// service's.
    fn read(fields: &CsvFields<'_>) -> Result<Self, String>;

    /// What identifies the item, if a later row with the same key and other values contradicts it.
    fn key(&self) -> Option<String> {
        None
    }

    /// The pass in which the item is sent, from 0.
    fn pass(&self) -> usize {
        0
    }
}

impl ImportItem for pb::MailingGroup {
    const COLUMNS: ExpectedColumns = ExpectedColumns::new(&rows::GROUP, 1).or_key_alone();
    const NOUN: [&'static str; 2] = ["mailing group", "mailing groups"];

    fn read(fields: &CsvFields<'_>) -> Result<Self, String> {
        Ok(Self {
            code: fields.owned("code"),
            description: fields.owned("description"),
            ..Self::default()
        })
    }

    fn key(&self) -> Option<String> {
        Some(Code::normalize(&self.code))
    }
}

impl ImportItem for pb::Contact {
    const COLUMNS: ExpectedColumns =
        ExpectedColumns::new(&rows::CONTACT, 1).with_keys_of(rows::ATTRIBUTE);
    const NOUN: [&'static str; 2] = ["contact", "contacts"];
    /// Companies, then the persons that refer to them.
    const PASSES: usize = 2;

    fn read(fields: &CsvFields<'_>) -> Result<Self, String> {
        Ok(Self {
            id: fields.owned("id"),
            kind: match fields.has("kind") {
                true => rows::parse_kind(fields.text("kind"))?.into(),
                false => 0,
            },
            name: fields.owned("name"),
            company_id: fields.owned("company_id"),
            email: fields.owned("email"),
            exclude_from_segments: fields.flag("exclude_from_segments")?,
            privacy_blocked: fields.flag("privacy_blocked")?,
            attributes: attributes(fields)?,
            ..Self::default()
        })
    }

    /// Without an id, the service assigns one.
    fn key(&self) -> Option<String> {
        (!self.id.trim().is_empty()).then(|| self.id.clone())
    }

    fn pass(&self) -> usize {
        usize::from(self.kind() == pb::ContactKind::Person)
    }
}

/// The attributes of a row. An empty cell of a key has none.
fn attributes(fields: &CsvFields<'_>) -> Result<BTreeMap<String, String>, String> {
    let mut attributes = rows::parse_attributes(fields.text("attributes"))?;
    let keyed = fields.beginning_with(rows::ATTRIBUTE);
    let keyed = keyed.filter(|(_, value)| !value.trim().is_empty());
    attributes.extend(keyed.map(|(key, value)| (key.to_owned(), value.to_owned())));
    Ok(attributes)
}

impl ImportItem for pb::Assignment {
    const COLUMNS: ExpectedColumns = ExpectedColumns::new(&rows::MEMBERSHIP, 2);
    const NOUN: [&'static str; 2] = ["membership", "memberships"];
    const CREATED: &'static str = "assigned";

    fn read(fields: &CsvFields<'_>) -> Result<Self, String> {
        Ok(Self {
            contact_id: fields.owned("contact_id"),
            code: fields.owned("code"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::columns::{CsvColumns, CsvRow},
        *,
    };

    fn contact(kind: &str, excluded: &str) -> Result<pb::Contact, String> {
        let row = |record: &[&str]| CsvRow {
            file: 0,
            line: 1,
            bytes: 0,
            record: record.into(),
            problem: None,
        };
        let header = row(&["id", "kind", "name", "exclude_from_segments"]);
        let columns = CsvColumns::check(&header, pb::Contact::COLUMNS)?;
        pb::Contact::read(&columns.fields(&row(&["P1", kind, "Ada", excluded]))?)
    }

    #[test]
    fn a_contact_is_read_from_its_columns() {
        let person = contact("person", "Yes").expect("a person");
        assert_eq!((person.kind(), person.pass()), (pb::ContactKind::Person, 1));
        assert!(person.exclude_from_segments() && !person.privacy_blocked());
        let company = contact(" Company ", "").expect("a company");
        assert_eq!(
            (company.kind(), company.pass()),
            (pb::ContactKind::Company, 0)
        );
    }

    #[test]
    fn attributes_are_an_object_or_columns_of_their_own() {
        let row = |record: &[&str]| CsvRow {
            file: 0,
            line: 1,
            bytes: 0,
            record: record.into(),
            problem: None,
        };
        let header = ["id", "attributes", "Attributes.Class", "attributes.city"];
        let columns = CsvColumns::check(&row(&header), pb::Contact::COLUMNS).expect("fits");
        let mask = ["attributes", "attributes.class", "attributes.city"];
        assert_eq!(columns.after_key(pb::Contact::COLUMNS), mask);
        let read = |cell: &str| {
            let row = row(&["P1", cell, "A", " "]);
            let read = pb::Contact::read(&columns.fields(&row)?);
            read.map(|it| it.attributes.into_iter().collect::<Vec<_>>())
        };
        let class = || ("class".to_owned(), "A".to_owned());
        assert_eq!(read(""), Ok(vec![class()]));
        let language = ("language".to_owned(), "de".to_owned());
        assert_eq!(
            read("{\"language\": \"de\", \"class\": \"B\"}"),
            Ok(vec![class(), language])
        );
        assert!(read("de").is_err_and(|it| it.contains("JSON object")));
    }

    #[test]
    fn a_wrong_kind_or_flag_names_its_column() {
        assert!(contact("firm", "").is_err_and(|it| it.starts_with("kind: `FIRM`")));
        assert!(
            contact("PERSON", "maybe").is_err_and(|it| it.starts_with("exclude_from_segments:"))
        );
    }
}
