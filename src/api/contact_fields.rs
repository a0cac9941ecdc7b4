//! The fields of contacts that callers set, and the masks that name them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    convert::{apply_field_mask, optional_kind},
    field::{Field, optional, required},
};
use crate::{
    domain::Violation,
    model::{
        AttributeKey, AttributeValue, Attributes, AttributesChange, ContactChange, ContactDetails,
        ContactKind,
    },
    pb,
};

/// All that a message says of a contact but its id, or everything that is wrong with it.
pub(super) fn details(contact: &pb::Contact, path: &str) -> Result<ContactDetails, Vec<Violation>> {
    let at = |name: &str| format!("{path}{name}");
    let kind = kind(contact.kind, &at("kind"));
    let name = required(&contact.name, &at("name"));
    let company_id = optional(&contact.company_id, &at("company_id"));
    let email = required(&contact.email, &at("email"));
    let attributes = attributes(&contact.attributes, path);
    match (kind, name, company_id, email, attributes) {
        (Ok(kind), Ok(name), Ok(company_id), Ok(email), Ok(attributes)) => Ok(ContactDetails {
            kind,
            name,
            company_id,
            email,
            exclude_from_segments: contact.exclude_from_segments(),
            privacy_blocked: contact.privacy_blocked(),
            attributes,
        }),
        (kind, name, company_id, email, attributes) => {
            let wrong = [kind.err(), name.err(), company_id.err(), email.err()];
            let wrong = wrong.into_iter().flatten();
            Err(wrong
                .chain(attributes.err().into_iter().flatten())
                .collect())
        }
    }
}

/// The fields of a contact that a mask can name, besides the attribute of a key.
const FIELDS: [&str; 7] = [
    "kind",
    "name",
    "company_id",
    "email",
    "exclude_from_segments",
    "privacy_blocked",
    "attributes",
];

/// What the path of an attribute begins with.
const ATTRIBUTE: &str = "attributes.";

/// The fields of a contact that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContactFields {
    /// Of the fields, without the attributes.
    named: [bool; FIELDS.len() - 1],
    attributes: AttributeFields,
}

/// The attributes that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AttributeFields {
    /// All, even if there are none.
    All,
    /// All, if there are any: callers that do not know attributes send none.
    AllIfAny,
    /// Those of these keys.
    Keys(BTreeSet<AttributeKey>),
}

impl ContactFields {
    /// What is meant without a mask.
    pub(super) const ALL: Self = Self {
        named: [true; FIELDS.len() - 1],
        attributes: AttributeFields::AllIfAny,
    };

    /// The fields that a mask names; without one, all of them.
    pub(super) fn of_mask(
        mask: Option<&prost_types::FieldMask>,
        path: &str,
    ) -> Result<Self, Violation> {
        match mask {
            Some(mask) if !mask.paths.is_empty() => Self::of_paths(&mask.paths, path),
            Some(_) | None => Ok(Self::ALL),
        }
    }

    fn of_paths(paths: &[String], path: &str) -> Result<Self, Violation> {
        let is_attribute = |name: &&String| name.starts_with(ATTRIBUTE);
        let (keys, fields): (Vec<_>, Vec<_>) = paths.iter().partition(is_attribute);
        let keys = keys.into_iter().map(|name| {
            let key = name[ATTRIBUTE.len()..].parse();
            key.map_err(|error| format!("names {:?}, whose key {error}", shown(name)))
        });
        let keys: BTreeSet<AttributeKey> = keys.collect::<Result<_, _>>().field(path)?;
        if keys.len() > Attributes::MAX {
            let reason = format!("may name at most {} attributes", Attributes::MAX);
            return Err(reason).field(path);
        }
        let rest = prost_types::FieldMask {
            paths: fields.into_iter().cloned().collect(),
        };
        let [named @ .., attributes] =
            apply_field_mask(Some(&rest), path, FIELDS, [false; FIELDS.len()])?;
        let is_in = |wanted: &str| rest.paths.iter().any(|name| name == wanted);
        let attributes = match attributes {
            true if is_in(FIELDS[FIELDS.len() - 1]) => AttributeFields::All,
            true => AttributeFields::AllIfAny,
            false => AttributeFields::Keys(keys),
        };
        Ok(Self { named, attributes })
    }

    /// The fields that a message sets.
    fn set_in(contact: &pb::Contact) -> Self {
        let named = [
            contact.kind != 0,
            !contact.name.is_empty(),
            !contact.company_id.is_empty(),
            !contact.email.is_empty(),
            true,
            true,
        ];
        let attributes = AttributeFields::AllIfAny;
        Self { named, attributes }
    }

    /// The same text for every mask that names the same fields; empty for all of them, and also for all
    /// but attributes: so were imports kept that began before there were any.
    pub(super) fn text(&self) -> String {
        let has_keys = match &self.attributes {
            AttributeFields::All => true,
            AttributeFields::AllIfAny => false,
            AttributeFields::Keys(keys) => !keys.is_empty(),
        };
        if self.named == Self::ALL.named && !has_keys {
            return String::new();
        }
        let named = FIELDS.iter().zip(self.named);
        let named = named.filter(|(_, is_in)| *is_in);
        let mut names: Vec<String> = named.map(|(name, _)| (*name).to_owned()).collect();
        match &self.attributes {
            AttributeFields::All | AttributeFields::AllIfAny => names.push("attributes".to_owned()),
            AttributeFields::Keys(keys) => {
                names.extend(keys.iter().map(|key| format!("{ATTRIBUTE}{key}")));
            }
        }
        names.join(",")
    }
}

/// What an update of a contact changes: the fields of the mask, or without one those that are
/// set.
pub(super) fn contact_update(
    contact: &pb::Contact,
    mask: Option<&prost_types::FieldMask>,
) -> Result<ContactChange, Violation> {
    let fields = match mask {
        Some(mask) if !mask.paths.is_empty() => {
            ContactFields::of_paths(&mask.paths, "update_mask")?
        }
        Some(_) | None => ContactFields::set_in(contact),
    };
    let mut change = contact_change(contact, &fields, "contact.")?;
    // A flag named in the mask is set: not every client can send an explicit false.
    let names = |field| mask.is_some_and(|it| it.paths.iter().any(|path| path == field));
    if names("exclude_from_segments") {
        change.exclude_from_segments.get_or_insert_default();
    }
    if names("privacy_blocked") {
        change.privacy_blocked.get_or_insert_default();
    }
    Ok(change)
}

/// A change of these fields to the values that a message has. A flag without a value stays.
pub(super) fn contact_change(
    contact: &pb::Contact,
    fields: &ContactFields,
    path: &str,
) -> Result<ContactChange, Violation> {
    let [
        kind_in,
        name_in,
        company_id_in,
        email_in,
        excluded_in,
        blocked_in,
    ] = fields.named;
    let at = |name: &str| format!("{path}{name}");
    let kind = kind_in.then(|| kind(contact.kind, &at("kind")));
    let name = name_in.then(|| required(&contact.name, &at("name")));
    let company_id = company_id_in.then(|| optional(&contact.company_id, &at("company_id")));
    let email = email_in.then(|| required(&contact.email, &at("email")));
    Ok(ContactChange {
        kind: kind.transpose()?,
        name: name.transpose()?,
        company_id: company_id.transpose()?,
        email: email.transpose()?,
        exclude_from_segments: contact.exclude_from_segments.filter(|_| excluded_in),
        privacy_blocked: contact.privacy_blocked.filter(|_| blocked_in),
        attributes: attributes_change(&contact.attributes, &fields.attributes, path)?,
    })
}

fn attributes_change(
    sent: &BTreeMap<String, String>,
    fields: &AttributeFields,
    path: &str,
) -> Result<Option<AttributesChange>, Violation> {
    let all = || attributes(sent, path).map_err(|mut wrong| wrong.swap_remove(0));
    Ok(match fields {
        AttributeFields::All => Some(AttributesChange::All(all()?)),
        AttributeFields::AllIfAny if sent.is_empty() => None,
        AttributeFields::AllIfAny => Some(AttributesChange::All(all()?)),
        AttributeFields::Keys(keys) if keys.is_empty() => None,
        AttributeFields::Keys(keys) => {
            let change = |key: &AttributeKey| {
                let text = sent.get(key.as_str()).map_or("", |text| text.trim());
                let value = optional(text, &attribute_path(path, key.as_str()))?;
                Ok((key.clone(), value))
            };
            let changes = keys.iter().map(change).collect::<Result<_, Violation>>()?;
            Some(AttributesChange::Keys(changes))
        }
    })
}

/// The attributes that a message has, or everything that is wrong with them.
fn attributes(sent: &BTreeMap<String, String>, path: &str) -> Result<Attributes, Vec<Violation>> {
    if sent.len() > Attributes::MAX {
        let reason = format!(
            "must have at most {} entries; it has {}",
            Attributes::MAX,
            sent.len()
        );
        let field = format!("{path}attributes");
        return Err(vec![Violation { field, reason }]);
    }
    let read = sent.iter().map(|(key, value)| attribute(key, value, path));
    let (read, wrong): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
    match wrong.is_empty() {
        true => Ok(read.into_iter().flatten().collect()),
        false => Err(wrong.into_iter().filter_map(Result::err).collect()),
    }
}

fn attribute(
    key: &str,
    value: &str,
    path: &str,
) -> Result<(AttributeKey, AttributeValue), Violation> {
    let at = attribute_path(path, key);
    let invalid = |error| format!("has a key that {error}");
    let key = key.parse().map_err(invalid).field(&at)?;
    Ok((key, required(value, &at)?))
}

/// The path of an attribute as an error names it.
fn attribute_path(path: &str, key: &str) -> String {
    format!("{path}attributes[{:?}]", shown(key))
}

/// The beginning of a text that may be long.
fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A field without the key of an attribute, if that is none: it may be anything.
pub(super) fn without_invalid_key(field: String) -> String {
    let key = field.split_once("attributes[\"").map(|(_, key)| key);
    let key = key.and_then(|key| key.strip_suffix("\"]"));
    match key.is_some_and(|key| key.parse::<AttributeKey>().is_err()) {
        true => "attributes".to_owned(),
        false => field,
    }
}

fn kind(kind: i32, path: &str) -> Result<ContactKind, Violation> {
    optional_kind(kind, path)?
        .ok_or("must be CONTACT_KIND_COMPANY or CONTACT_KIND_PERSON")
        .field(path)
}
