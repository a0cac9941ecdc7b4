//! Resources as messages, and messages as values.

use crate::{
    api::field::{Field, required},
    domain::Violation,
    model::{
        Assignment, Contact, ContactKind, MailingGroup, Membership, NewMailingGroup, SegmentCounts,
        SelectionOptions, Time,
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
            attributes: contact
                .attributes
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
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
