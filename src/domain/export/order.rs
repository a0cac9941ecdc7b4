//! The order of contacts in an export.
//!
//! A resumed export first sends what was sent before and changed since, in the order of the changes.
//! So its token says up to which revision changes were sent, and a further stream resumes from there.

use std::collections::HashMap;

use crate::{
    domain::{
        Call, Domain, Result,
        selection::{Group, Snapshot},
    },
    model::{ContactSet, Revision},
    store,
};

/// Offset of persons in the order of an export: a company's place is its number, a person's is its
/// number plus this. Numbers have 31 bits.
const AFTER_COMPANIES: u32 = 1 << 31;

/// How far an export came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExportPosition {
    /// The last place sent.
    pub(crate) upto: u32,
    /// Changes after this revision were not sent up to that place.
    pub(crate) since: Revision,
}

/// What to send, in which order: contacts have the ranks `1..=len`.
pub(super) struct ExportOrder {
    /// Contacts up to `after` that changed since they were sent, each with the revision of its last
    /// change, in the order of these.
    late: Vec<(Revision, u32)>,
    /// The place after which the others come.
    after: u32,
    /// The places of the others.
    places: ContactSet,
    /// The snapshot's.
    revision: Revision,
}

impl ExportOrder {
    /// The order for a snapshot, and the companies that were sent before and did not change since.
    pub(super) async fn read(
        domain: &Domain,
        call: &Call,
        snapshot: &Snapshot,
        sent: Option<ExportPosition>,
        changed_groups: &HashMap<i32, Revision>,
    ) -> Result<(Self, ContactSet)> {
        let persons = &*snapshot.everyone - &*snapshot.companies;
        let mut places = (*snapshot.companies).clone();
        places.extend(persons.iter().map(|it| it | AFTER_COMPANIES));
        let after = sent.map_or(0, |sent| sent.upto);
        let mut passed = places.clone();
        passed.remove_range(after.saturating_add(1)..);
        places -= &passed;
        let passed: ContactSet = passed.iter().map(|it| it & !AFTER_COMPANIES).collect();
        let late = match sent {
            Some(sent) if sent.since != snapshot.commit.revision => {
                let changed = changed(domain, call, sent.since).await?;
                late(&passed, changed, &snapshot.groups, changed_groups)
            }
            Some(_) | None => Vec::new(),
        };
        let mut sent_companies = passed & &*snapshot.companies;
        sent_companies -= late
            .iter()
            .map(|(_, number)| *number)
            .collect::<ContactSet>();
        let order = Self {
            late,
            after,
            places,
            revision: snapshot.commit.revision,
        };
        Ok((order, sent_companies))
    }

    /// The ranks.
    pub(super) fn ranks(&self) -> ContactSet {
        let count = self.late_count() + u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let mut ranks = ContactSet::new();
        ranks.insert_range(1..=count);
        ranks
    }

    /// The number of the contact with this rank.
    pub(super) fn number(&self, rank: u32) -> u32 {
        match self.late.get(rank as usize - 1) {
            Some((_, number)) => *number,
            None => self.place(rank) & !AFTER_COMPANIES,
        }
    }

    /// A company that did not change after this revision was sent before the page that starts with
    /// this rank. Before the first person, no company counts as sent: a former company may be a person
    /// by now, whose company comes later.
    pub(super) fn companies_unsent_since(&self, rank: u32) -> Revision {
        match rank > self.late_count() && self.place(rank) >= AFTER_COMPANIES {
            true => self.revision,
            false => 0,
        }
    }

    /// The position after the contact with this rank.
    pub(super) fn position(&self, rank: u32) -> ExportPosition {
        if rank > self.late_count() {
            return ExportPosition {
                upto: self.place(rank),
                since: self.revision,
            };
        }
        let unsent = self
            .late
            .get(rank as usize)
            .map(|(revision, _)| revision - 1);
        ExportPosition {
            upto: self.after,
            since: unsent.unwrap_or(self.revision).min(self.revision),
        }
    }

    fn late_count(&self) -> u32 {
        u32::try_from(self.late.len()).unwrap_or(u32::MAX)
    }

    fn place(&self, rank: u32) -> u32 {
        let place = self.places.select(rank - self.late_count() - 1);
        place.unwrap_or_default()
    }
}

/// The contacts that changed after a revision, or whose memberships did, each with its revision.
async fn changed(domain: &Domain, call: &Call, since: Revision) -> Result<HashMap<u32, Revision>> {
    let read = async |conn: &mut _, tenant_id| {
        Ok(store::contacts::changed_since(conn, tenant_id, since).await?)
    };
    let changed = domain.read_via_replica_of(call, read).await?.into_iter();
    let changed = changed.map(|(number, revision)| (number.cast_unsigned(), revision));
    Ok(changed.collect())
}

/// The passed contacts that changed, or that have a group that did: its code may be another one.
fn late(
    passed: &ContactSet,
    mut changed: HashMap<u32, Revision>,
    groups: &[Group],
    changed_groups: &HashMap<i32, Revision>,
) -> Vec<(Revision, u32)> {
    for group in groups {
        if let Some(revision) = changed_groups.get(&group.group_id) {
            for number in passed & &*group.members {
                let last = changed.entry(number).or_insert(*revision);
                *last = (*last).max(*revision);
            }
        }
    }
    let changed = changed.into_iter();
    let changed = changed.filter(|(number, _)| passed.contains(*number));
    let mut late: Vec<_> = changed
        .map(|(number, revision)| (revision, number))
        .collect();
    late.sort_unstable();
    late
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_in_late_contacts_says_which_changes_are_sent() {
        let order = ExportOrder {
            late: vec![(5, 1), (7, 2), (7, 3), (12, 4)],
            after: 9,
            places: ContactSet::from([11, AFTER_COMPANIES | 10]),
            revision: 10,
        };
        let positions: Vec<_> = order
            .ranks()
            .iter()
            .map(|rank| order.position(rank))
            .collect();
        let wanted = [
            (9, 6),
            (9, 6),
            (9, 10),
            (9, 10),
            (11, 10),
            (AFTER_COMPANIES | 10, 10),
        ];
        assert_eq!(
            positions,
            wanted.map(|(upto, since)| ExportPosition { upto, since })
        );
        let numbers: Vec<_> = order
            .ranks()
            .iter()
            .map(|rank| order.number(rank))
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4, 11, 10]);
    }
}
