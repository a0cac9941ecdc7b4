//! What the three imports make of a row.

use prost::Message;

use super::columns::{Column, Fields, optional, required};
use crate::{client::rows, pb};

/// Something that is imported: one row is one item.
pub(super) trait Item: Message + Default + Send + 'static {
    /// The columns, as a file's header names them.
    const COLUMNS: &'static [Column];
    /// What the items are called, for people.
    const NOUN: &'static str;
    /// What becomes of a new one, for people.
    const CREATED: &'static str = "created";
    /// How often the file is read: items of a later pass need those of an earlier one.
    const PASSES: usize = 1;

    /// Makes an item of a row, or says which column is wrong and why. What the service checks
    /// anyway is left to it.
    fn read(fields: &Fields<'_>) -> Result<Self, String>;

    /// The pass in which the item is sent, from 0.
    fn pass(&self) -> usize {
        0
    }
}

impl Item for pb::MailingGroup {
    const COLUMNS: &'static [Column] = &[required("code"), required("description")];
    const NOUN: &'static str = "mailing groups";

    fn read(fields: &Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            code: fields.owned("code"),
            description: fields.owned("description"),
            ..Self::default()
        })
    }
}

impl Item for pb::Contact {
    const COLUMNS: &'static [Column] = &[
        required("id"),
        required("kind"),
        required("name"),
        optional("company_id"),
        optional("email"),
        optional("exclude_from_segments"),
        optional("privacy_blocked"),
    ];
    const NOUN: &'static str = "contacts";
    /// Companies, then persons, who need their companies.
    const PASSES: usize = 2;

    fn read(fields: &Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            id: fields.owned("id"),
            kind: rows::parse_kind(fields.text("kind"))?.into(),
            name: fields.owned("name"),
            company_id: fields.owned("company_id"),
            email: fields.owned("email"),
            exclude_from_segments: fields.flag("exclude_from_segments")?,
            privacy_blocked: fields.flag("privacy_blocked")?,
            ..Self::default()
        })
    }

    fn pass(&self) -> usize {
        usize::from(self.kind() == pb::ContactKind::Person)
    }
}

impl Item for pb::Assignment {
    const COLUMNS: &'static [Column] = &[required("contact_id"), required("code")];
    const NOUN: &'static str = "memberships";
    const CREATED: &'static str = "assigned";

    fn read(fields: &Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            contact_id: fields.owned("contact_id"),
            code: fields.owned("code"),
        })
    }
}

#[cfg(test)]
mod tests {
    use csv::ByteRecord;

    use super::{super::columns::Columns, *};

    fn contact(kind: &str, excluded: &str) -> Result<pb::Contact, String> {
        let header = ["id", "kind", "name", "exclude_from_segments"];
        let columns = Columns::check(&ByteRecord::from(&header[..]), pb::Contact::COLUMNS)?;
        let record = ByteRecord::from(&["P1", kind, "Ada", excluded][..]);
        pb::Contact::read(&columns.fields(&record)?)
    }

    #[test]
    fn a_contact_is_read_from_its_columns() {
        let person = contact("person", "Yes").expect("a person");
        assert_eq!((person.kind(), person.pass()), (pb::ContactKind::Person, 1));
        assert!(person.exclude_from_segments && !person.privacy_blocked);
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
