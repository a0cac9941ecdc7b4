//! Converts events to messages of a limited size.

use std::collections::VecDeque;

use prost::Message as _;

use crate::{
    api::{caller::actors, convert::timestamp, stream::TARGET_MESSAGE_BYTES},
    domain::watch::{ResolvedChange, RevisionChanges, SnapshotPart, WatchEvent},
    model::{Contact, Revision},
    pb::{
        self,
        change::Change as ChangeMessage,
        watch_changes_response::{Changes, Message, Progress, Snapshot, SnapshotEnd},
    },
};

/// The messages that an event takes, at least one.
pub(super) fn of(event: WatchEvent) -> VecDeque<Message> {
    match event {
        WatchEvent::Snapshot(revision, part) => {
            [Message::Snapshot(snapshot(revision, part))].into()
        }
        WatchEvent::SnapshotEnd(commit) => {
            let (revision, resume_token) = (commit.revision, commit.to_string());
            let end = SnapshotEnd {
                revision,
                resume_token,
            };
            [Message::SnapshotEnd(end)].into()
        }
        WatchEvent::Progress(commit) => {
            let (revision, resume_token) = (commit.revision, commit.to_string());
            let progress = Progress {
                revision,
                resume_token,
            };
            [Message::Progress(progress)].into()
        }
        WatchEvent::Changes(changes) => parts(changes).into_iter().map(Message::Changes).collect(),
    }
}

fn snapshot(revision: Revision, part: SnapshotPart) -> Snapshot {
    let mut snapshot = Snapshot {
        revision,
        ..Snapshot::default()
    };
    match part {
        SnapshotPart::MailingGroups(groups) => {
            let groups = groups.into_iter();
            snapshot.mailing_groups = groups
                .map(|(code, text)| group(code.into(), text))
                .collect();
        }
        SnapshotPart::Contacts(contacts) => {
            snapshot.contacts = contacts.into_iter().map(Into::into).collect();
        }
        SnapshotPart::Members(code, ids) => snapshot.members = vec![members(code.into(), ids)],
    }
    snapshot
}

/// One message, or several if it is too large.
fn parts(changes: RevisionChanges) -> Vec<Changes> {
    let (commit, time, request_id) = (changes.commit, changes.commit_time, changes.request_id);
    let actors = actors(&changes.actors);
    let part = |more| Changes {
        revision: commit.revision,
        commit_time: Some(timestamp(time)),
        request_id: request_id.clone(),
        changes: Vec::new(),
        more,
        resume_token: String::new(),
        actors: actors.clone(),
    };
    let mut parts = vec![part(changes.more)];
    let mut bytes = 0;
    for piece in changes.changes.into_iter().flat_map(pieces) {
        let change = pb::Change {
            change: Some(piece),
        };
        bytes += change.encoded_len();
        if bytes > TARGET_MESSAGE_BYTES && parts.last().is_some_and(|last| !last.changes.is_empty())
        {
            bytes = change.encoded_len();
            if let Some(last) = parts.last_mut() {
                last.more = true;
            }
            parts.push(part(changes.more));
        }
        if let Some(last) = parts.last_mut() {
            last.changes.push(change);
        }
    }
    if let Some(last) = parts.last_mut()
        && !last.more
    {
        last.resume_token = commit.to_string();
    }
    parts
}

/// A change; one with many contacts in pieces that fit into a message.
fn pieces(change: ResolvedChange) -> Vec<ChangeMessage> {
    match change {
        ResolvedChange::GroupCreated(code, text) => {
            vec![ChangeMessage::MailingGroupCreated(group(code, text))]
        }
        ResolvedChange::GroupUpdated(code, text) => {
            vec![ChangeMessage::MailingGroupUpdated(group(code, text))]
        }
        ResolvedChange::GroupRenamed(code, former_code, description) => {
            vec![ChangeMessage::MailingGroupRenamed(
                pb::MailingGroupRenamed {
                    code,
                    former_code,
                    description,
                },
            )]
        }
        ResolvedChange::GroupDeleted(code) => {
            vec![ChangeMessage::MailingGroupDeleted(
                pb::MailingGroupDeleted { code },
            )]
        }
        ResolvedChange::ContactsCreated(all) => in_pieces(all, ChangeMessage::ContactsCreated),
        ResolvedChange::ContactsUpdated(all) => in_pieces(all, ChangeMessage::ContactsUpdated),
        ResolvedChange::ContactsDeleted(contact_ids) => {
            vec![ChangeMessage::ContactsDeleted(pb::ContactsDeleted {
                contact_ids,
            })]
        }
        ResolvedChange::MembersAdded(code, ids) => {
            vec![ChangeMessage::MembersAdded(members(code, ids))]
        }
        ResolvedChange::MembersRemoved(code, ids) => {
            vec![ChangeMessage::MembersRemoved(members(code, ids))]
        }
        ResolvedChange::SegmentCreated(id) => vec![ChangeMessage::SegmentCreated(segment(id))],
        ResolvedChange::SegmentUpdated(id) => vec![ChangeMessage::SegmentUpdated(segment(id))],
        ResolvedChange::SegmentDeleted(id) => vec![ChangeMessage::SegmentDeleted(segment(id))],
    }
}

/// Contacts with their details, as many in a piece as fit into a message.
fn in_pieces(
    contacts: Vec<(String, Option<Contact>)>,
    to_message: fn(pb::ContactStates) -> ChangeMessage,
) -> Vec<ChangeMessage> {
    let mut pieces = vec![pb::ContactStates::default()];
    let mut bytes = 0;
    for (id, contact) in contacts {
        let contact = contact.map(Into::into);
        let state = pb::ContactState { id, contact };
        bytes += state.encoded_len() + 4;
        if bytes > TARGET_MESSAGE_BYTES {
            bytes = state.encoded_len() + 4;
            pieces.push(pb::ContactStates::default());
        }
        pieces
            .iter_mut()
            .last()
            .into_iter()
            .for_each(|last| last.contacts.push(state.clone()));
    }
    pieces.into_iter().map(to_message).collect()
}

fn group(code: String, description: String) -> pb::MailingGroupState {
    pb::MailingGroupState { code, description }
}

fn members(code: String, contact_ids: Vec<String>) -> pb::GroupMembers {
    pb::GroupMembers { code, contact_ids }
}

fn segment(segment_id: String) -> pb::SegmentChanged {
    pb::SegmentChanged { segment_id }
}
