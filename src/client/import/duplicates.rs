//! Rows with the same key: which of them count, and which contradict each other.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use super::items::ImportItem;
use crate::client::terminal::{excerpt, pluralize};

/// Contradictions that are named.
const EXAMPLES: usize = 3;

/// Keys that are compared, so that memory stays below 100 MB.
const MAX_KEYS: usize = 2_000_000;

/// What was read so far, by hashes of the keys.
#[derive(Default)]
pub(super) struct Duplicates {
    hasher: RandomState,
    /// The last line of each key, and a hash of its values.
    last: HashMap<u64, (u32, u32)>,
    /// The last line of each key that is sent in the first pass, if there are two.
    first_pass: HashMap<u64, u32>,
    contradictions: i64,
    examples: Vec<String>,
}

impl Duplicates {
    /// Records an item in the order of the file.
    pub(super) fn add<T: ImportItem>(&mut self, item: &T, line: u64) {
        let Some(key) = item.key() else {
            return;
        };
        let hash = self.hasher.hash_one(&key);
        let values = self.hasher.hash_one(item.encode_to_vec()) as u32;
        let line = line_number(line);
        if T::PASSES > 1 && item.pass() == 0 {
            self.first_pass.insert(hash, line);
        }
        if self.last.len() >= MAX_KEYS && !self.last.contains_key(&hash) {
            return;
        }
        if let Some((earlier, before)) = self.last.insert(hash, (line, values))
            && before != values
        {
            self.contradictions += 1;
            if self.examples.len() < EXAMPLES {
                let key = excerpt(&key);
                let example = format!("{key} in lines {earlier} and {line}");
                self.examples.push(example);
            }
        }
    }

    /// Whether a later row of the same key was sent in the first pass, before this item.
    pub(super) fn is_superseded<T: ImportItem>(&self, item: &T, line: u64) -> bool {
        let last = item
            .key()
            .and_then(|key| self.first_pass.get(&self.hasher.hash_one(&key)));
        last.is_some_and(|last| *last > line_number(line))
    }

    /// What the report says about contradictions.
    pub(super) fn note<T: ImportItem>(&self) -> Option<String> {
        let rows = pluralize(self.contradictions, "row has", "rows have");
        let more = match self.contradictions > EXAMPLES as i64 {
            true => ", …",
            false => "",
        };
        (self.contradictions > 0).then(|| {
            format!(
                "{rows} other values than an earlier row of the same {}; the last row counts: {}{more}",
                T::COLUMNS.key(),
                self.examples.join(", ")
            )
        })
    }
}

fn line_number(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}
