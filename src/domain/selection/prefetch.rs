//! Reads a set page by page and prefetches the next pages.

use std::{collections::VecDeque, future::Future, sync::Arc};

use tokio_util::task::AbortOnDropHandle;

use crate::{
    domain::Result,
    model::{ContactSet, PageSize},
};

/// Reads single pages of a set.
pub(in crate::domain) trait PageReader: Send + Sync + 'static {
    type Page: Send + 'static;

    /// Number of prefetched pages, which are read concurrently.
    const PAGES_AHEAD: usize;

    /// Reads the page of these entries: at least one, ascending.
    fn read(&self, entries: Vec<u32>) -> impl Future<Output = Result<Self::Page>> + Send;
}

/// Reads a set page by page with prefetching. Between pages it holds no connection. Dropping it aborts
/// the reads in progress.
pub(in crate::domain) struct Prefetch<S: PageReader> {
    set: Arc<ContactSet>,
    size: PageSize,
    reader: Arc<S>,
    pages: VecDeque<AbortOnDropHandle<Result<S::Page>>>,
    /// The last entry of the pages read so far.
    last: u32,
}

impl<S: PageReader> Prefetch<S> {
    /// Begins with the page after the entry `after`.
    pub(in crate::domain) fn new(
        reader: S,
        set: Arc<ContactSet>,
        size: PageSize,
        after: u32,
    ) -> Self {
        let mut prefetch = Self {
            set,
            size,
            reader: Arc::new(reader),
            pages: VecDeque::with_capacity(S::PAGES_AHEAD),
            last: after,
        };
        prefetch.fill();
        prefetch
    }

    /// The next page, or `None` after the last. Cancel-safe.
    pub(in crate::domain) async fn next(&mut self) -> Result<Option<S::Page>> {
        let Some(next) = self.pages.front_mut() else {
            return Ok(None);
        };
        let page = next.await??;
        self.pages.pop_front();
        self.fill();
        Ok(Some(page))
    }

    /// Starts reading pages until enough are prefetched.
    fn fill(&mut self) {
        while self.pages.len() < S::PAGES_AHEAD {
            let mut rest = self.set.iter();
            rest.advance_to(self.last.saturating_add(1));
            let entries: Vec<u32> = rest.take(self.size.get()).collect();
            let Some(last) = entries.last() else {
                return;
            };
            self.last = *last;
            let reader = Arc::clone(&self.reader);
            let page = tokio::spawn(async move { reader.read(entries).await });
            self.pages.push_back(AbortOnDropHandle::new(page));
        }
    }
}
