//! The items that are imported: the messages made of rows.

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
    const COLUMNS: ExpectedColumns = ExpectedColumns::new(&rows::CONTACT, 1);
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
    fn a_wrong_kind_or_flag_names_its_column() {
        assert!(contact("firm", "").is_err_and(|it| it.starts_with("kind: `FIRM`")));
        assert!(
            contact("PERSON", "maybe").is_err_and(|it| it.starts_with("exclude_from_segments:"))
        );
    }
}
