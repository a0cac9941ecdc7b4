//! Assignments as the statements over memberships take them: contacts, codes, and pairs of them.

use std::{collections::HashMap, hash::Hash};

use diesel::sql_types::{Array, Integer, Text, Timestamptz};

use super::change::Assigned;
use crate::{
    model::{Assignment, Code, ContactId, TenantId, Time},
    store::sql::{Sql, sql},
};

/// Each contact, each code and each pair once, in the order in which they come first.
pub(super) struct Pairs {
    contact_ids: Vec<ContactId>,
    codes: Vec<Code>,
    /// The pairs: places of their contacts and of their codes, from 1.
    contacts: Vec<i32>,
    groups: Vec<i32>,
    /// Which pair each item is, from 1.
    items: Vec<i32>,
}

impl Pairs {
    /// The pairs of some items.
    pub(super) fn of<'a>(items: impl Iterator<Item = &'a Assignment>) -> Self {
        let (mut contacts, mut codes, mut pairs) = (Places::new(), Places::new(), Places::new());
        let items = items
            .map(|item| {
                let contact = contacts.place(&item.contact_id);
                pairs.place((contact, codes.place(&item.code)))
            })
            .collect();
        let (contact_places, groups) = pairs.entries.into_iter().unzip();
        Self {
            contact_ids: contacts.entries.into_iter().cloned().collect(),
            codes: codes.entries.into_iter().cloned().collect(),
            contacts: contact_places,
            groups,
            items,
        }
    }

    /// A statement with its parameters `$1` to `$4`.
    pub(super) fn statement(&self, text: &'static str, tenant_id: TenantId, time: Time) -> Sql {
        sql(text)
            .bind::<Integer, _>(tenant_id)
            .bind::<Array<Text>, _>(self.contact_ids.clone())
            .bind::<Array<Text>, _>(self.codes.clone())
            .bind::<Timestamptz, _>(time)
    }

    /// The statement with its parameters `$6` and `$7`.
    pub(super) fn finish(&self, statement: Sql) -> Sql {
        statement
            .bind::<Array<Integer>, _>(self.contacts.clone())
            .bind::<Array<Integer>, _>(self.groups.clone())
    }

    /// What became of each item, by what became of the pairs. Of items that are the same pair the
    /// first changed something, if any did. Nothing if there are no rows.
    pub(super) fn answers(&self, rows: Vec<Assigned>) -> Vec<Assigned> {
        if rows.is_empty() || rows.len() == self.items.len() {
            return rows;
        }
        let mut told = 0;
        let answer = |pair: &i32| {
            let row = rows[*pair as usize - 1];
            let is_first = *pair > told;
            told = told.max(*pair);
            Assigned {
                changed: row.changed && is_first,
                ..row
            }
        };
        self.items.iter().map(answer).collect()
    }
}

/// Entries once each, and the place of each, from 1.
struct Places<T> {
    entries: Vec<T>,
    places: HashMap<T, i32>,
}

impl<T: Copy + Eq + Hash> Places<T> {
    fn new() -> Self {
        Self {
            entries: Vec::new(),
            places: HashMap::new(),
        }
    }

    fn place(&mut self, entry: T) -> i32 {
        // No statement takes more items than an i32 counts.
        let next = self.entries.len() as i32 + 1;
        let place = *self.places.entry(entry).or_insert(next);
        if place == next {
            self.entries.push(entry);
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(pairs: &[(&str, &str)]) -> Vec<Assignment> {
        let item = |(id, code): &(&str, &str)| Assignment {
            contact_id: id.parse().expect("an id"),
            code: code.parse().expect("a code"),
        };
        pairs.iter().map(item).collect()
    }

    #[test]
    fn everything_is_named_once() {
        let items = items(&[("A", "X"), ("A", "Y"), ("B", "X"), ("A", "X")]);
        let pairs = Pairs::of(items.iter());
        assert_eq!((pairs.contact_ids.len(), pairs.codes.len()), (2, 2));
        assert_eq!(
            (pairs.contacts, pairs.groups),
            (vec![1, 1, 2], vec![1, 2, 1])
        );
        assert_eq!(pairs.items, [1, 2, 3, 1]);
    }

    #[test]
    fn of_items_that_are_alike_the_first_changes_something() {
        let items = items(&[("A", "X"), ("B", "X"), ("A", "X"), ("B", "X")]);
        let row = |changed| Assigned {
            contact_number: Some(1),
            group_id: Some(1),
            changed,
            revision: None,
            create_time: None,
            next_revision: 1,
        };
        let answers = Pairs::of(items.iter()).answers(vec![row(true), row(false)]);
        let changed: Vec<_> = answers.iter().map(|it| it.changed).collect();
        assert_eq!(changed, [true, false, false, false]);
        assert!(Pairs::of(items.iter()).answers(Vec::new()).is_empty());
    }
}
