//! The messages of a watch as JSON lines.

use serde_json::{Value, json};

use crate::{
    client::rows::JsonContact,
    pb::{
        self, Contact, ContactStates,
        change::Change,
        watch_changes_response::{Changes, Snapshot},
    },
};

/// A part of a snapshot.
pub(super) fn snapshot(part: Snapshot) -> Value {
    let groups: Vec<_> = part.mailing_groups.iter().map(group).collect();
    let contacts: Vec<_> = part.contacts.iter().map(contact).collect();
    let members: Vec<_> = part.members.iter().map(members).collect();
    json!({"snapshot": {
        "revision": part.revision,
        "mailing_groups": groups,
        "contacts": contacts,
        "members": members,
    }})
}

/// A revision, merged from all its parts.
pub(super) fn changes(parts: Vec<Changes>) -> Value {
    let first = parts.first();
    let (revision, time) = first.map_or((0, None), |it| (it.revision, it.commit_time));
    let request_id = first.map_or("", |it| it.request_id.as_str());
    let actors = first.map_or(&[][..], |it| it.actors.as_slice());
    let token = parts.last().map_or("", |it| it.resume_token.as_str());
    let all = parts.iter().flat_map(|part| &part.changes);
    let all: Vec<_> = all
        .filter_map(|it| it.change.as_ref())
        .map(change)
        .collect();
    json!({
        "revision": revision,
        "commit_time": time.map(|it| it.to_string()),
        "request_id": request_id,
        "actors": actors,
        "changes": all,
        "resume_token": token,
    })
}

fn change(change: &Change) -> Value {
    match change {
        Change::MailingGroupCreated(it) => json!({"mailing_group_created": group(it)}),
        Change::MailingGroupUpdated(it) => json!({"mailing_group_updated": group(it)}),
        Change::MailingGroupRenamed(it) => json!({"mailing_group_renamed": {
            "code": it.code,
            "former_code": it.former_code,
            "description": it.description,
        }}),
        Change::MailingGroupDeleted(it) => json!({"mailing_group_deleted": {"code": it.code}}),
        Change::ContactsCreated(it) => json!({"contacts_created": states(it)}),
        Change::ContactsUpdated(it) => json!({"contacts_updated": states(it)}),
        Change::ContactsDeleted(it) => {
            json!({"contacts_deleted": {"contact_ids": it.contact_ids}})
        }
        Change::MembersAdded(it) => json!({"members_added": members(it)}),
        Change::MembersRemoved(it) => json!({"members_removed": members(it)}),
        Change::SegmentCreated(it) => json!({"segment_created": {"segment_id": it.segment_id}}),
        Change::SegmentUpdated(it) => json!({"segment_updated": {"segment_id": it.segment_id}}),
        Change::SegmentDeleted(it) => json!({"segment_deleted": {"segment_id": it.segment_id}}),
    }
}

fn group(group: &pb::MailingGroupState) -> Value {
    json!({"code": group.code, "description": group.description})
}

fn members(group: &pb::GroupMembers) -> Value {
    json!({"code": group.code, "contact_ids": group.contact_ids})
}

fn states(states: &ContactStates) -> Value {
    let state = |it: &pb::ContactState| match &it.contact {
        Some(known) => contact(known),
        None => json!({"id": it.id, "deleted": true}),
    };
    let contacts: Vec<_> = states.contacts.iter().map(state).collect();
    json!({"contacts": contacts})
}

fn contact(contact: &Contact) -> Value {
    json!(JsonContact::from(contact))
}
