//! The groups of some contacts, as pairs that are made when they are asked for: a few contacts
//! may have very many.

use std::{collections::HashMap, sync::Arc};

use crate::{
    domain::selection::Group,
    model::{Assignment, Contact, ContactId, ContactSet},
};

/// Which of the groups which contacts have: group by group, in the order of the codes.
pub(crate) struct Assignments {
    groups: Arc<[Group]>,
    contacts: ContactSet,
    ids: HashMap<u32, ContactId>,
    /// How many groups were looked at.
    visited: usize,
    /// Who has the last of these groups and was not named yet.
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
