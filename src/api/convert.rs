//! Resources as messages, and messages as values.

use crate::{
    api::field::{Field, optional, required},
    domain::Violation,
    model::{
        Assignment, Contact, ContactChange, ContactDetails, ContactKind, MailingGroup, Membership,
        NewMailingGroup, SegmentCounts, SelectionOptions, Time,
    },
    pb,
};

impl From<MailingGroup> for pb::MailingGroup {
    fn from(group: MailingGroup) -> Self {
        Self {
            contact_count: group.contact_count(),
            etag: group.etag(),
            code: group.code.into(),
            description: group.description.into(),
            company_count: group.company_count,
            person_count: group.person_count,
            revision: group.revision,
            create_time: Some(timestamp(group.create_time)),
            update_time: Some(timestamp(group.update_time)),
        }
    }
}

impl From<Contact> for pb::Contact {
    fn from(contact: Contact) -> Self {
        Self {
            etag: contact.etag(),
            id: contact.id.into(),
            kind: pb::ContactKind::from(contact.kind).into(),
            name: contact.name.into(),
            company_id: contact.company_id.map(String::from).unwrap_or_default(),
            email: contact.email.into(),
            exclude_from_segments: Some(contact.exclude_from_segments),
            privacy_blocked: Some(contact.privacy_blocked),
            mailing_group_count: contact.mailing_group_count.into(),
            revision: contact.revision,
            create_time: Some(timestamp(contact.create_time)),
            update_time: Some(timestamp(contact.update_time)),
        }
    }
}

impl From<ContactKind> for pb::ContactKind {
    fn from(kind: ContactKind) -> Self {
        match kind {
            ContactKind::Company => Self::Company,
            ContactKind::Person => Self::Person,
        }
    }
}

impl From<Membership> for pb::Membership {
    fn from(membership: Membership) -> Self {
        Self {
            contact_id: membership.contact_id.into(),
            code: membership.code.into(),
            revision: membership.revision,
            create_time: Some(timestamp(membership.create_time)),
        }
    }
}

impl From<SegmentCounts> for pb::CountSegmentMembersResponse {
    fn from(counts: SegmentCounts) -> Self {
        Self {
            member_count: to_wire_count(counts.members),
            company_count: to_wire_count(counts.companies),
            person_count: to_wire_count(counts.persons()),
            excluded_count: to_wire_count(counts.excluded),
            privacy_blocked_count: to_wire_count(counts.privacy_blocked),
            revision: counts.revision,
        }
    }
}

impl From<pb::SelectionOptions> for SelectionOptions {
    fn from(options: pb::SelectionOptions) -> Self {
        Self {
            expand_companies: options.expand_companies,
            include_related_companies: options.include_related_companies,
            include_excluded: options.include_excluded,
            include_privacy_blocked: options.include_privacy_blocked,
        }
    }
}

impl TryFrom<pb::MailingGroup> for NewMailingGroup {
    type Error = Violation;

    fn try_from(group: pb::MailingGroup) -> Result<Self, Violation> {
        Ok(Self {
            code: required(&group.code, "mailing_group.code")?,
            description: required(&group.description, "mailing_group.description")?,
        })
    }
}

/// A pair of contact and group at `path`.
pub(super) fn assignment(
    contact_id: &str,
    code: &str,
    path: &str,
) -> Result<Assignment, Violation> {
    Ok(Assignment {
        contact_id: required(contact_id, &format!("{path}contact_id"))?,
        code: required(code, &format!("{path}code"))?,
    })
}

/// The kind of contact at `path`; it may be left out.
pub(super) fn optional_kind(kind: i32, path: &str) -> Result<Option<ContactKind>, Violation> {
    match pb::ContactKind::try_from(kind) {
        Ok(pb::ContactKind::Unspecified) => Ok(None),
        Ok(pb::ContactKind::Company) => Ok(Some(ContactKind::Company)),
        Ok(pb::ContactKind::Person) => Ok(Some(ContactKind::Person)),
        Err(_) => Err("must be CONTACT_KIND_COMPANY or CONTACT_KIND_PERSON").field(path),
    }
}

/// All that a message says of a contact but its id, or everything that is wrong with it.
pub(super) fn details(contact: &pb::Contact, path: &str) -> Result<ContactDetails, Vec<Violation>> {
    let at = |name: &str| format!("{path}{name}");
    let kind = kind(contact.kind, &at("kind"));
    let name = required(&contact.name, &at("name"));
    let company_id = optional(&contact.company_id, &at("company_id"));
    let email = required(&contact.email, &at("email"));
    match (kind, name, company_id, email) {
        (Ok(kind), Ok(name), Ok(company_id), Ok(email)) => Ok(ContactDetails {
            kind,
            name,
            company_id,
            email,
            exclude_from_segments: contact.exclude_from_segments(),
            privacy_blocked: contact.privacy_blocked(),
        }),
        (kind, name, company_id, email) => {
            Err([kind.err(), name.err(), company_id.err(), email.err()]
                .into_iter()
                .flatten()
                .collect())
        }
    }
}

/// The fields of a contact that a mask can name.
const CONTACT_FIELDS: [&str; 6] = [
    "kind",
    "name",
    "company_id",
    "email",
    "exclude_from_segments",
    "privacy_blocked",
];

/// Which of [`CONTACT_FIELDS`] are meant.
pub(super) type ContactFields = [bool; CONTACT_FIELDS.len()];

pub(super) const ALL_CONTACT_FIELDS: ContactFields = [true; CONTACT_FIELDS.len()];

/// The fields of a contact that a mask names; without one, all of them.
pub(super) fn contact_fields(
    mask: Option<&prost_types::FieldMask>,
    path: &str,
) -> Result<ContactFields, Violation> {
    apply_field_mask(mask, path, CONTACT_FIELDS, ALL_CONTACT_FIELDS)
}

/// The same for every mask that names the same fields; empty for all of them.
pub(super) fn mask_text(fields: ContactFields) -> String {
    let named = CONTACT_FIELDS.iter().zip(fields);
    let named = named.filter(|(_, is_in)| *is_in && fields != ALL_CONTACT_FIELDS);
    named.map(|(name, _)| *name).collect::<Vec<_>>().join(",")
}

/// What an update of a contact changes: the fields of the mask, or without one those that are
/// set.
pub(super) fn contact_update(
    contact: &pb::Contact,
    mask: Option<&prost_types::FieldMask>,
) -> Result<ContactChange, Violation> {
    let set = [
        contact.kind != 0,
        !contact.name.is_empty(),
        !contact.company_id.is_empty(),
        !contact.email.is_empty(),
        true,
        true,
    ];
    let fields = apply_field_mask(mask, "update_mask", CONTACT_FIELDS, set)?;
    let mut change = contact_change(contact, fields, "contact.")?;
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
    fields: ContactFields,
    path: &str,
) -> Result<ContactChange, Violation> {
    let [
        kind_in,
        name_in,
        company_id_in,
        email_in,
        excluded_in,
        blocked_in,
    ] = fields;
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
    })
}

/// Which of `fields` the mask at `path` means; without a mask, those that are `set`.
pub(super) fn apply_field_mask<const N: usize>(
    mask: Option<&prost_types::FieldMask>,
    path: &str,
    fields: [&str; N],
    set: [bool; N],
) -> Result<[bool; N], Violation> {
    let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else {
        return Ok(set);
    };
    let mut chosen = [false; N];
    for name in &mask.paths {
        match fields.iter().position(|field| field == name) {
            _ if name == "*" => chosen = [true; N],
            Some(at) => chosen[at] = true,
            None => {
                let known = fields.join(", ");
                let name: String = name.chars().take(64).collect();
                let reason = format!("may name {known} or *; it names {name:?}");
                return Err(reason).field(path);
            }
        }
    }
    Ok(chosen)
}

fn kind(kind: i32, path: &str) -> Result<ContactKind, Violation> {
    optional_kind(kind, path)?
        .ok_or("must be CONTACT_KIND_COMPANY or CONTACT_KIND_PERSON")
        .field(path)
}

/// A moment as the wire has it.
pub(super) fn timestamp(time: Time) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.timestamp(),
        nanos: time.timestamp_subsec_nanos().cast_signed(),
    }
}

/// A count as the wire has it.
pub(super) fn to_wire_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
