//! A copy of a tenant, kept up to date by a watch.

use std::collections::{BTreeMap, BTreeSet};

use mailing_groups::pb::{self, change::Change, watch_changes_response::Snapshot};

use crate::support::Sql;

/// Groups by code, contacts by id, and who has which group.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) groups: BTreeMap<String, String>,
    pub(crate) contacts: BTreeMap<String, Details>,
    pub(crate) members: BTreeSet<(String, String)>,
}

/// Kind, name, company, e-mail, excluded, blocked, attributes.
pub(crate) type Details = (
    i32,
    String,
    String,
    String,
    bool,
    bool,
    BTreeMap<String, String>,
);

fn details(contact: pb::Contact) -> Details {
    let (excluded, blocked) = (contact.exclude_from_segments(), contact.privacy_blocked());
    (
        contact.kind,
        contact.name,
        contact.company_id,
        contact.email,
        excluded,
        blocked,
        contact.attributes,
    )
}

impl Model {
    /// Takes over a part of a snapshot, in which nothing may come twice.
    pub(crate) fn fill(&mut self, part: Snapshot) {
        for group in part.mailing_groups {
            assert_eq!(self.groups.insert(group.code, group.description), None);
        }
        for contact in part.contacts {
            let id = contact.id.clone();
            assert_eq!(self.contacts.insert(id, details(contact)), None);
        }
        for group in part.members {
            for id in group.contact_ids {
                assert!(self.groups.contains_key(&group.code), "{}", group.code);
                assert!(
                    self.contacts.contains_key(&id),
                    "{id} has a group before it is there"
                );
                assert!(self.members.insert((group.code.clone(), id)));
            }
        }
    }

    /// Applies a change. Segments are no part of the copy.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::MailingGroupCreated(group) | Change::MailingGroupUpdated(group) => {
                self.groups.insert(group.code, group.description);
            }
            Change::MailingGroupRenamed(renamed) => self.rename(renamed),
            Change::MailingGroupDeleted(deleted) => {
                assert!(self.members.iter().all(|(code, _)| *code != deleted.code));
                self.groups.remove(&deleted.code).unwrap();
            }
            Change::ContactsCreated(states) | Change::ContactsUpdated(states) => {
                for state in states.contacts {
                    let now = state.contact.map(details).unwrap_or_default();
                    self.contacts.insert(state.id, now);
                }
            }
            Change::ContactsDeleted(deleted) => {
                for id in deleted.contact_ids {
                    assert!(self.members.iter().all(|(_, member)| *member != id));
                    self.contacts.remove(&id);
                }
            }
            Change::MembersAdded(group) => {
                for id in group.contact_ids {
                    assert!(self.contacts.contains_key(&id));
                    assert!(self.members.insert((group.code.clone(), id)));
                }
            }
            Change::MembersRemoved(group) => {
                for id in group.contact_ids {
                    self.members.remove(&(group.code.clone(), id));
                }
            }
            Change::SegmentCreated(_) | Change::SegmentUpdated(_) | Change::SegmentDeleted(_) => {}
        }
    }

    fn rename(&mut self, renamed: pb::MailingGroupRenamed) {
        self.groups.remove(&renamed.former_code).unwrap();
        self.groups
            .insert(renamed.code.clone(), renamed.description);
        let members = std::mem::take(&mut self.members);
        self.members = members
            .into_iter()
            .map(|(code, id)| match code == renamed.former_code {
                true => (renamed.code.clone(), id),
                false => (code, id),
            })
            .collect();
    }

    /// The content of the tables.
    pub(crate) async fn stored(sql: &Sql, tenant: &str) -> Self {
        let tenant_id = sql.tenant_id(tenant).await;
        let groups = "SELECT code, description FROM mailing_groups WHERE tenant_id = $1";
        let contacts = "SELECT id, kind::int, name, coalesce(company_id, ''), email, \
            exclude_from_segments, privacy_blocked, attributes::text FROM contacts WHERE tenant_id = $1";
        let members = "SELECT g.code, c.id FROM memberships m \
            JOIN mailing_groups g USING (tenant_id, group_id) \
            JOIN contacts c USING (tenant_id, contact_number) WHERE m.tenant_id = $1";
        let groups = sql.rows(groups, &[&tenant_id]).await;
        let contacts = sql.rows(contacts, &[&tenant_id]).await;
        let members = sql.rows(members, &[&tenant_id]).await;
        let details = |row: &tokio_postgres::Row| {
            (
                row.get(1),
                row.get(2),
                row.get(3),
                row.get(4),
                row.get(5),
                row.get(6),
                serde_json::from_str(row.get(7)).unwrap(),
            )
        };
        Self {
            groups: groups.iter().map(|row| (row.get(0), row.get(1))).collect(),
            contacts: contacts
                .iter()
                .map(|row| (row.get(0), details(row)))
                .collect(),
            members: members.iter().map(|row| (row.get(0), row.get(1))).collect(),
        }
    }
}
