//! Lazily produces the memberships of a page of contacts, since a few contacts may have very many.

use std::{collections::HashMap, sync::Arc};

use crate::{
    domain::selection::Group,
    model::{Assignment, Contact, ContactId, ContactSet},
};

/// Iterates over the memberships of some contacts, group by group, by code.
pub(crate) struct Assignments {
    groups: Arc<[Group]>,
    contacts: ContactSet,
    ids: HashMap<u32, ContactId>,
    /// Number of groups visited.
    visited: usize,
    /// The remaining members of the last visited group.
    members: roaring::bitmap::IntoIter,
}

impl Assignments {
    /// The groups that contacts have.
    pub(super) fn new(groups: &Arc<[Group]>, contacts: &[Contact]) -> Self {
        let id = |contact: &Contact| {
            let number = contact.contact_number.cast_unsigned();
            (number, contact.id.clone())
        };
        let ids: HashMap<u32, ContactId> = contacts.iter().map(id).collect();
        Self {
            groups: Arc::clone(groups),
            contacts: ids.keys().copied().collect(),
            ids,
            visited: 0,
            members: ContactSet::new().into_iter(),
        }
    }
}

impl Iterator for Assignments {
    type Item = Assignment;

    fn next(&mut self) -> Option<Assignment> {
        loop {
            if let Some(number) = self.members.next() {
                let group = &self.groups[self.visited - 1];
                return Some(Assignment {
                    contact_id: self.ids[&number].clone(),
                    code: group.code.clone(),
                });
            }
            let group = self.groups.get(self.visited)?;
            self.visited += 1;
            self.members = (&self.contacts & &*group.members).into_iter();
        }
    }
}
