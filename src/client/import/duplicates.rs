//! Rows with the same key: which of them count, and which contradict each other.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use super::{columns::CsvRow, items::ImportItem};
use crate::client::terminal::{excerpt, pluralize};

/// Contradictions that are named.
const EXAMPLES: usize = 3;

/// Keys that are compared, so that memory stays below 100 MB.
const MAX_KEYS: usize = 1_800_000;

/// A row: the index of its file, and its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RowPlace(u16, u32);

/// What was read so far, by hashes of the keys.
#[derive(Default)]
pub(super) struct Duplicates {
    hasher: RandomState,
    /// The last row of each key, and a hash of its values.
    last: HashMap<u64, (RowPlace, u32)>,
    /// The number of the last item of each key that is sent in the first pass.
    first_pass: HashMap<u64, u32>,
    contradictions: i64,
    /// The first contradictions: the key, and the two rows.
    examples: Vec<(String, RowPlace, RowPlace)>,
}

impl Duplicates {
    /// Records an item. Items have numbers in the order of the files.
    pub(super) fn add<T: ImportItem>(&mut self, item: &T, row: &CsvRow, number: u32) {
        let Some(key) = item.key() else {
            return;
        };
        let hash = self.hasher.hash_one(&key);
        let values = self.hasher.hash_one(item.encode_to_vec()) as u32;
        if T::PASSES > 1 && item.pass() == 0 {
            self.first_pass.insert(hash, number);
        }
        if self.last.len() >= MAX_KEYS && !self.last.contains_key(&hash) {
            return;
        }
        let place = RowPlace(
            u16::try_from(row.file).unwrap_or(u16::MAX),
            u32::try_from(row.line).unwrap_or(u32::MAX),
        );
        if let Some((earlier, before)) = self.last.insert(hash, (place, values))
            && before != values
        {
            self.contradictions += 1;
            if self.examples.len() < EXAMPLES {
                self.examples.push((excerpt(&key), earlier, place));
            }
        }
    }

    /// Whether a later row of the same key was sent in the first pass, before this item.
    pub(super) fn is_superseded<T: ImportItem>(&self, item: &T, number: u32) -> bool {
        let last = item
            .key()
            .and_then(|key| self.first_pass.get(&self.hasher.hash_one(&key)));
        last.is_some_and(|last| *last > number)
    }

    /// What the report says about contradictions. `files` has names by index.
    pub(super) fn note<T: ImportItem>(&self, files: &HashMap<usize, &str>) -> Option<String> {
        let rows = pluralize(self.contradictions, "row has", "rows have");
        let more = match self.contradictions > EXAMPLES as i64 {
            true => ", …",
            false => "",
        };
        let example = |(key, one, other): &(String, RowPlace, RowPlace)| match one.0 == other.0 {
            true if files.len() < 2 => format!("{key} in lines {} and {}", one.1, other.1),
            true => format!(
                "{key} in lines {} and {} of {}",
                one.1,
                other.1,
                name(files, *one)
            ),
            false => format!(
                "{key} in line {} of {} and line {} of {}",
                one.1,
                name(files, *one),
                other.1,
                name(files, *other)
            ),
        };
        let examples: Vec<_> = self.examples.iter().map(example).collect();
        (self.contradictions > 0).then(|| {
            format!(
                "{rows} other values than an earlier row of the same {}; the last row counts: {}{more}",
                T::COLUMNS.key(),
                examples.join(", ")
            )
        })
    }
}

fn name<'a>(files: &HashMap<usize, &'a str>, place: RowPlace) -> &'a str {
    files
        .get(&usize::from(place.0))
        .copied()
        .unwrap_or_default()
}
