//! Contacts: companies and persons.

use diesel::{
    prelude::*,
    sql_types::{BigInt, Text},
};
use serde::{Deserialize, Serialize};

use super::{Attributes, AttributesChange, ContactId, ContactKind, Email, Name, Revision, Time};
use crate::schema::contacts;

/// A contact as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, HasQuery, QueryableByName)]
#[diesel(table_name = contacts)]
pub struct Contact {
    /// The contact's number within its tenant: dense, never reused.
    pub(crate) contact_number: i32,
    /// The id, unique in the tenant; it never changes.
    pub id: ContactId,
    /// Company or person.
    pub(crate) kind: ContactKind,
    pub(crate) name: Name,
    /// The id of a person's company.
    pub(crate) company_id: Option<ContactId>,
    /// The e-mail address, or nothing.
    pub(crate) email: Email,
    /// Whether segments leave it out.
    pub(crate) exclude_from_segments: bool,
    /// Whether segments leave it out because the contact objected.
    pub(crate) privacy_blocked: bool,
    /// The number of its mailing groups.
    pub(crate) mailing_group_count: i32,
    /// The revision at which it, or its groups, last changed.
    pub(crate) revision: Revision,
    /// When it was created.
    pub(crate) create_time: Time,
    /// When it, or its groups, last changed.
    pub(crate) update_time: Time,
    /// What else it is.
    pub(crate) attributes: Attributes,
}

impl Contact {
    /// A contact that is created at this revision and time.
    pub(crate) fn new(
        contact_number: i32,
        new: NewContact,
        revision: Revision,
        time: Time,
    ) -> Self {
        let NewContact { id, details } = new;
        Self {
            contact_number,
            id,
            kind: details.kind,
            name: details.name,
            company_id: details.company_id,
            email: details.email,
            exclude_from_segments: details.exclude_from_segments,
            privacy_blocked: details.privacy_blocked,
            mailing_group_count: 0,
            revision,
            create_time: time,
            update_time: time,
            attributes: details.attributes,
        }
    }

    /// The contact after its details were replaced at this revision and time.
    pub(crate) fn with_details(&self, new: ContactDetails, revision: Revision, time: Time) -> Self {
        let new = NewContact {
            id: self.id.clone(),
            details: new,
        };
        Self {
            mailing_group_count: self.mailing_group_count,
            create_time: self.create_time,
            ..Self::new(self.contact_number, new, revision, time)
        }
    }

    /// Changes with the contact and with its groups.
    pub(crate) fn etag(&self) -> String {
        super::page::strong_etag(self.revision, self.update_time)
    }

    /// The details of the contact.
    pub(crate) fn details(&self) -> ContactDetails {
        ContactDetails {
            kind: self.kind,
            name: self.name.clone(),
            company_id: self.company_id.clone(),
            email: self.email.clone(),
            exclude_from_segments: self.exclude_from_segments,
            privacy_blocked: self.privacy_blocked,
            attributes: self.attributes.clone(),
        }
    }
}

/// The details of a contact that a caller sets.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactDetails {
    /// Company or person.
    pub(crate) kind: ContactKind,
    pub(crate) name: Name,
    /// The id of a person's company; a company has none.
    pub(crate) company_id: Option<ContactId>,
    /// The e-mail address, or nothing.
    pub(crate) email: Email,
    /// Whether segments leave it out.
    pub(crate) exclude_from_segments: bool,
    /// Whether segments leave it out because the contact objected.
    pub(crate) privacy_blocked: bool,
    /// What else it is.
    pub(crate) attributes: Attributes,
}

/// A key or a value of an attribute, and how many contacts have it.
#[derive(Debug, Clone, QueryableByName)]
pub struct CountedText {
    #[diesel(sql_type = Text)]
    pub(crate) text: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) contact_count: i64,
}

/// A contact to be created, or replaced as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct NewContact {
    /// The id.
    pub id: ContactId,
    pub(crate) details: ContactDetails,
}

/// An item of an import: the fields of a contact that is created or changed.
#[derive(Debug, Clone)]
pub(crate) struct ContactRow {
    pub(crate) id: ContactId,
    pub(crate) change: ContactChange,
    /// Whether a new contact may take the id of a merged one.
    pub(crate) reuse_former: bool,
}

impl ContactRow {
    /// The row that creates a contact, or replaces one.
    pub(crate) fn new(new: &NewContact, reuse_former: bool) -> Self {
        let details = new.details.clone();
        Self {
            id: new.id.clone(),
            change: ContactChange {
                kind: Some(details.kind),
                name: Some(details.name),
                company_id: Some(details.company_id),
                email: Some(details.email),
                exclude_from_segments: Some(details.exclude_from_segments),
                privacy_blocked: Some(details.privacy_blocked),
                attributes: Some(AttributesChange::All(details.attributes)),
            },
            reuse_former,
        }
    }
}

/// A change of a contact; `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct ContactChange {
    /// Company or person.
    pub(crate) kind: Option<ContactKind>,
    pub(crate) name: Option<Name>,
    /// The id of a person's company; `Some(None)` removes it.
    pub(crate) company_id: Option<Option<ContactId>>,
    /// The e-mail address.
    pub(crate) email: Option<Email>,
    /// Whether segments leave it out.
    pub(crate) exclude_from_segments: Option<bool>,
    /// Whether segments leave it out because the contact objected.
    pub(crate) privacy_blocked: Option<bool>,
    /// What else it is.
    pub(crate) attributes: Option<AttributesChange>,
}

impl ContactChange {
    /// The details after the change.
    pub(crate) fn apply(self, details: ContactDetails) -> ContactDetails {
        ContactDetails {
            kind: self.kind.unwrap_or(details.kind),
            name: self.name.unwrap_or(details.name),
            company_id: self.company_id.unwrap_or(details.company_id),
            email: self.email.unwrap_or(details.email),
            exclude_from_segments: self
                .exclude_from_segments
                .unwrap_or(details.exclude_from_segments),
            privacy_blocked: self.privacy_blocked.unwrap_or(details.privacy_blocked),
            attributes: match self.attributes {
                Some(change) => change.apply(details.attributes),
                None => details.attributes,
            },
        }
    }

    /// The company that the contact gets.
    pub(crate) fn new_company(&self) -> Option<&ContactId> {
        self.company_id.as_ref().and_then(Option::as_ref)
    }
}
