//! What an import has rejected.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What was rejected, for later steps to leave out.
#[derive(Clone, Default)]
pub(super) struct Rejections(Arc<Mutex<RejectedSet>>);

#[derive(Default)]
struct RejectedSet {
    /// Rows, by file and line.
    lines: HashSet<(usize, u64)>,
    /// Groups.
    codes: HashSet<String>,
}

impl Rejections {
    fn set(&self) -> MutexGuard<'_, RejectedSet> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add_line(&self, file: usize, line: u64) {
        self.set().lines.insert((file, line));
    }

    pub(super) fn add_code(&self, code: String) {
        self.set().codes.insert(code);
    }

    pub(super) fn has_line(&self, file: usize, line: u64) -> bool {
        self.set().lines.contains(&(file, line))
    }

    pub(super) fn has_code(&self, code: &str) -> bool {
        self.set().codes.contains(code)
    }
}
