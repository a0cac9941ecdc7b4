//! Contacts, groups and memberships as text: CSV rows in the columns that `import` reads, and JSON.

use std::{borrow::Cow, collections::BTreeMap, io};

use super::terminal::excerpt;
use crate::pb::{Assignment, AssignmentOutcome, Contact, ContactKind, MailingGroup};

/// The columns of `import groups`.
pub(super) const GROUP: [&str; 2] = ["code", "description"];

/// The columns of `import contacts`. In `attributes` there is a JSON object; a column
/// `attributes.territory` has the values of one key.
pub(super) const CONTACT: [&str; 8] = [
    "id",
    "kind",
    "name",
    "company_id",
    "email",
    "exclude_from_segments",
    "privacy_blocked",
    "attributes",
];

/// What the column of one attribute begins with.
pub(super) const ATTRIBUTE: &str = "attributes.";

/// The columns of `import memberships`.
pub(super) const MEMBERSHIP: [&str; 2] = ["contact_id", "code"];

pub(super) fn group(group: &MailingGroup) -> [&str; 2] {
    [&group.code, &group.description]
}

pub(super) fn contact(contact: &Contact) -> [Cow<'_, str>; 8] {
    let flag = |set| if set { "true" } else { "false" };
    let attributes = match contact.attributes.is_empty() {
        true => Cow::Borrowed(""),
        false => serde_json::json!(contact.attributes).to_string().into(),
    };
    [
        contact.id.as_str().into(),
        kind(contact).into(),
        contact.name.as_str().into(),
        contact.company_id.as_str().into(),
        contact.email.as_str().into(),
        flag(contact.exclude_from_segments()).into(),
        flag(contact.privacy_blocked()).into(),
        attributes,
    ]
}

/// Reads attributes from a JSON object; an empty text has none.
pub(super) fn parse_attributes(text: &str) -> Result<BTreeMap<String, String>, String> {
    if text.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    serde_json::from_str(text).map_err(|_| {
        format!(
            "attributes: `{}` is no JSON object of texts, such as {{\"territory\":\"CH\"}}",
            excerpt(text)
        )
    })
}

pub(super) fn membership(assignment: &Assignment) -> [&str; 2] {
    [&assignment.contact_id, &assignment.code]
}

/// The name of a contact's kind, as [`parse_kind`] reads it.
fn kind(contact: &Contact) -> &'static str {
    match contact.kind() {
        ContactKind::Company => "COMPANY",
        ContactKind::Person => "PERSON",
        ContactKind::Unspecified => "",
    }
}

/// Reads the name of a kind, in upper or lower case.
pub(super) fn parse_kind(text: &str) -> Result<ContactKind, String> {
    match text.trim().to_ascii_uppercase().as_str() {
        "COMPANY" => Ok(ContactKind::Company),
        "PERSON" => Ok(ContactKind::Person),
        other => Err(format!(
            "kind: `{}` is neither COMPANY nor PERSON",
            excerpt(other)
        )),
    }
}

/// Why a row was rejected: the field, what is wrong, and the name to use instead of a former one.
pub(super) fn rejection(field: &str, text: String, current: Option<&String>) -> String {
    let field = match field.is_empty() {
        true => String::new(),
        false => format!("{field}: "),
    };
    let current = current.map(|name| format!("; use {name}"));
    field + &text + &current.unwrap_or_default()
}

/// The name of an outcome.
pub(super) fn outcome(outcome: AssignmentOutcome) -> String {
    outcome.as_str_name().replace("ASSIGNMENT_OUTCOME_", "")
}

/// The error of the writer of CSV. The `From` of csv would hide its kind, such as `BrokenPipe`.
pub(super) fn write_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A contact as a JSON object.
#[derive(serde::Serialize)]
pub(super) struct JsonContact<'a> {
    id: &'a str,
    kind: &'static str,
    name: &'a str,
    company_id: &'a str,
    email: &'a str,
    exclude_from_segments: bool,
    privacy_blocked: bool,
    attributes: &'a BTreeMap<String, String>,
}

impl<'a> From<&'a Contact> for JsonContact<'a> {
    fn from(contact: &'a Contact) -> Self {
        Self {
            id: &contact.id,
            kind: kind(contact),
            name: &contact.name,
            company_id: &contact.company_id,
            email: &contact.email,
            exclude_from_segments: contact.exclude_from_segments(),
            privacy_blocked: contact.privacy_blocked(),
            attributes: &contact.attributes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_names_what_to_use_instead() {
        let text = || "renamed".to_owned();
        assert_eq!(rejection("", text(), None), "renamed");
        let current = rejection("code", text(), Some(&"NEW".to_owned()));
        assert_eq!(current, "code: renamed; use NEW");
    }
}
