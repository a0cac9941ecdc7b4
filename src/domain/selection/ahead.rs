//! Reading a set page by page, one page ahead of the reader.

use std::{future::Future, sync::Arc};

use tokio_util::task::AbortOnDropHandle;

use crate::{
    domain::{Error, Result},
    model::{ContactSet, PageSize},
};

/// What a page of a set is.
pub(in crate::domain) trait Source: Send + Sync + 'static {
    /// A page.
    type Page: Send + 'static;

    /// Reads the page of these entries, of which there is at least one, in ascending order.
    fn read(&self, entries: Vec<u32>) -> impl Future<Output = Result<Self::Page>> + Send;
}

/// Reads a set page by page. While nobody asks for a page, no connection and no statement is
/// held, and no more than one page is kept; dropping it stops what still runs.
pub(in crate::domain) struct Ahead<S: Source> {
    set: Arc<ContactSet>,
    size: PageSize,
    source: Arc<S>,
    page: Option<Reading<S::Page>>,
}

/// A page that is being read, and its last entry.
struct Reading<P> {
    page: AbortOnDropHandle<Result<P>>,
    last: u32,
}

impl<S: Source> Ahead<S> {
    /// Begins with the page after the entry `after`.
    pub(in crate::domain) fn new(
        source: S,
        set: Arc<ContactSet>,
        size: PageSize,
        after: u32,
    ) -> Ahead<S> {
        let source = Arc::new(source);
        let mut ahead = Ahead {
            set,
            size,
            source,
            page: None,
        };
        ahead.begin(after);
        ahead
    }

    /// The next page, or `None` after the last. May be dropped before it is done and called
    /// again.
    pub(in crate::domain) async fn next(&mut self) -> Result<Option<S::Page>> {
        let Some(Reading { page, last }) = &mut self.page else {
            return Ok(None);
        };
        let (page, last) = (page.await, *last);
        let page = page.map_err(|error| Error::Internal(error.into()))??;
        self.begin(last);
        Ok(Some(page))
    }

    /// Begins to read the page after the entry `after`, if there is one.
    fn begin(&mut self, after: u32) {
        let mut rest = self.set.iter();
        rest.advance_to(after.saturating_add(1));
        let entries: Vec<u32> = rest.take(self.size.get()).collect();
        let source = Arc::clone(&self.source);
        self.page = entries.last().copied().map(|last| Reading {
            page: AbortOnDropHandle::new(tokio::spawn(async move { source.read(entries).await })),
            last,
        });
    }
}
