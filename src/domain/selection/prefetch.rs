//! Reading a set page by page, ahead of whoever reads the pages.

use std::{collections::VecDeque, future::Future, sync::Arc};

use tokio_util::task::AbortOnDropHandle;

use crate::{
    domain::{Error, Result},
    model::{ContactSet, PageSize},
};

/// What a page of a set is.
pub(in crate::domain) trait PageReader: Send + Sync + 'static {
    /// A page.
    type Page: Send + 'static;

    /// How many pages are read ahead, at the same time and in any order.
    const PAGES_AHEAD: usize;

    /// Reads the page of these entries, of which there is at least one, in ascending order.
    fn read(&self, entries: Vec<u32>) -> impl Future<Output = Result<Self::Page>> + Send;
}

/// Reads a set page by page, some pages ahead. While nobody asks for a page, no connection and no
/// statement is held; dropping it stops what still runs.
pub(in crate::domain) struct Prefetch<S: PageReader> {
    set: Arc<ContactSet>,
    size: PageSize,
    reader: Arc<S>,
    pages: VecDeque<AbortOnDropHandle<Result<S::Page>>>,
    /// The last entry that is being read.
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

    /// The next page, or `None` after the last. May be dropped before it is done and called
    /// again.
    pub(in crate::domain) async fn next(&mut self) -> Result<Option<S::Page>> {
        let Some(next) = self.pages.front_mut() else {
            return Ok(None);
        };
        let page = next
            .await
            .map_err(|error| Error::Internal(error.into()))??;
        self.pages.pop_front();
        self.fill();
        Ok(Some(page))
    }

    /// Begins to read the pages that are to be read ahead, as far as there are any.
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
