//! Rows of CSV files as they are written: in the columns that `import` reads.

use crate::pb::{Assignment, Contact, ContactKind, MailingGroup};

/// The columns of `import groups`.
pub(super) const GROUP: [&str; 2] = ["code", "description"];

/// The columns of `import contacts`.
pub(super) const CONTACT: [&str; 7] = [
    "id",
    "kind",
    "name",
    "company_id",
    "email",
    "exclude_from_segments",
    "privacy_blocked",
];

/// The columns of `import memberships`.
pub(super) const MEMBERSHIP: [&str; 2] = ["contact_id", "code"];

/// A group's row.
pub(super) fn group(group: &MailingGroup) -> [&str; 2] {
    [&group.code, &group.description]
}

/// A contact's row.
pub(super) fn contact(contact: &Contact) -> [&str; 7] {
    let flag = |set| if set { "true" } else { "false" };
    [
        &contact.id,
        kind(contact),
        &contact.name,
        &contact.company_id,
        &contact.email,
        flag(contact.exclude_from_segments),
        flag(contact.privacy_blocked),
    ]
}

/// A membership's row.
pub(super) fn membership(assignment: &Assignment) -> [&str; 2] {
    [&assignment.contact_id, &assignment.code]
}

/// What a contact is, as `import` reads it.
pub(super) fn kind(contact: &Contact) -> &'static str {
    match contact.kind() {
        ContactKind::Company => "COMPANY",
        ContactKind::Person => "PERSON",
        ContactKind::Unspecified => "",
    }
}
