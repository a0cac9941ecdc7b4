//! The ids of contacts by number. As long as no commit is lost, ids never change and numbers are never
//! reused, so a block can only lack contacts that were created after it was read.

use std::sync::Arc;

use crate::model::Commit;

/// Size of a block: its contact numbers differ in the lowest 16 bits only.
pub(in crate::domain) const BLOCK: u32 = 1 << 16;

/// The ids of a block of contacts.
#[derive(Debug, Clone)]
pub(in crate::domain) struct IdBlock(Arc<Ids>);

#[derive(Debug)]
struct Ids {
    /// The commit at which the block was read, or an earlier one.
    commit: Commit,
    /// The contacts' numbers, ascending.
    numbers: Vec<u32>,
    /// The end of each id in `text`.
    ends: Vec<u32>,
    text: String,
}

impl IdBlock {
    /// Builds a block from contact numbers, ascending, and ids.
    pub(in crate::domain) fn new(commit: Commit, contacts: &[(i32, String)]) -> Self {
        let length = contacts.iter().map(|(_, id)| id.len()).sum();
        let mut ids = Ids {
            commit,
            numbers: Vec::with_capacity(contacts.len()),
            ends: Vec::with_capacity(contacts.len()),
            text: String::with_capacity(length),
        };
        for (number, id) in contacts {
            ids.numbers.push(number.cast_unsigned());
            ids.text.push_str(id);
            // At most 65,536 ids of 64 bytes.
            ids.ends
                .push(u32::try_from(ids.text.len()).unwrap_or(u32::MAX));
        }
        Self(Arc::new(ids))
    }

    pub(in crate::domain) fn commit(&self) -> Commit {
        self.0.commit
    }

    /// The id of a contact that existed when the block was read.
    pub(in crate::domain) fn get(&self, number: u32) -> Option<&str> {
        let ids = &*self.0;
        let at = ids.numbers.binary_search(&number).ok()?;
        let start = at.checked_sub(1).map_or(0, |before| ids.ends[before]);
        Some(&ids.text[start as usize..ids.ends[at] as usize])
    }

    /// The size in bytes.
    pub(super) fn weight(&self) -> u32 {
        let bytes = self.0.text.capacity() + 8 * self.0.numbers.capacity() + 256;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_by_number() {
        let block = IdBlock::new(
            Commit::default(),
            &[(1, "A".into()), (3, "BC".into()), (9, "D".into())],
        );
        let found: Vec<_> = [1, 2, 3, 9, 10].map(|number| block.get(number)).into();
        assert_eq!(found, [Some("A"), None, Some("BC"), Some("D"), None]);
    }
}
