//! Who entered and who left between two sets of contacts.

use std::sync::Arc;

use crate::{
    domain::{
        Call, Domain, Result,
        selection::{self, ContactView, Member, MemberPage, PrefetchedMembers, SelectionSource},
    },
    model::{ContactSet, PageSize, Revision},
};

/// How two sets differ.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// In the set after only.
    pub(crate) entered: Arc<ContactSet>,
    /// In the set before only.
    pub(crate) left: Arc<ContactSet>,
    /// How many are in both.
    pub(crate) unchanged: u64,
    /// The revision at which both were read.
    pub(crate) revision: Revision,
}

/// Compares two sets, both read at one revision.
pub(crate) async fn compare(
    domain: &Domain,
    call: &Call,
    from: &SelectionSource,
    to: &SelectionSource,
) -> Result<Comparison> {
    match selection::select_all(domain, call, [from, to]).await {
        Ok([from, to]) => Ok(Comparison {
            entered: Arc::new(&*to.members - &*from.members),
            left: Arc::new(&*from.members - &*to.members),
            unchanged: from.members.intersection_len(&to.members),
            revision: from.counts.revision,
        }),
        // Which of them is it?
        Err(error) => Err(match selection::select(domain, call, from).await {
            Err(error) => error.within("from."),
            Ok(_) => error.within("to."),
        }),
    }
}

/// Some of the contacts that are in one of the sets only, in ascending contact number.
#[derive(Debug)]
pub(crate) struct DifferencePage {
    /// Those in the set after.
    pub(crate) entered: Vec<Member>,
    /// Those in the set before.
    pub(crate) left: Vec<Member>,
    /// The number of the last contact.
    pub(crate) last: u32,
    /// How many were left out because they were deleted since.
    pub(crate) deleted: usize,
}

/// Reads the differences page by page, one page ahead.
pub(crate) struct Differences {
    domain: Domain,
    call: Call,
    comparison: Comparison,
    changed: ContactSet,
    view: ContactView,
    size: PageSize,
    pending: Option<PendingDifference>,
}

/// A page that is being read: two halves and the number of its last contact.
struct PendingDifference {
    entered: PendingMembers,
    left: PendingMembers,
    last: u32,
}

/// One half of a page, and whether it has come.
struct PendingMembers {
    pages: PrefetchedMembers,
    page: Option<MemberPage>,
}

impl Differences {
    /// The differences after the contact numbered `after`.
    pub(crate) fn new(
        domain: &Domain,
        call: &Call,
        comparison: Comparison,
        view: ContactView,
        size: PageSize,
        after: u32,
    ) -> Self {
        let changed = &*comparison.entered | &*comparison.left;
        let mut differences = Self {
            domain: domain.clone(),
            call: call.clone(),
            comparison,
            changed,
            view,
            size,
            pending: None,
        };
        differences.prefetch(after);
        differences
    }

    /// The next page, or `None` after the last. May be dropped before it is done and called
    /// again.
    pub(crate) async fn next(&mut self) -> Result<Option<DifferencePage>> {
        let Some(pending) = &mut self.pending else {
            return Ok(None);
        };
        pending.entered.read().await?;
        pending.left.read().await?;
        let last = pending.last;
        let (entered, missing) = pending.entered.take();
        let (left, missing_left) = pending.left.take();
        self.prefetch(last);
        Ok(Some(DifferencePage {
            entered,
            left,
            last,
            deleted: missing + missing_left,
        }))
    }

    fn prefetch(&mut self, after: u32) {
        let mut rest = self.changed.iter();
        rest.advance_to(after.saturating_add(1));
        let page: ContactSet = rest.take(self.size.get()).collect();
        self.pending = page.max().map(|last| PendingDifference {
            entered: self.pending_members(&page & &*self.comparison.entered),
            left: self.pending_members(&page & &*self.comparison.left),
            last,
        });
    }

    fn pending_members(&self, members: ContactSet) -> PendingMembers {
        let (view, size, revision) = (self.view, self.size, self.comparison.revision);
        let members = Arc::new(members);
        PendingMembers {
            pages: PrefetchedMembers::new(
                &self.domain,
                &self.call,
                members,
                view,
                size,
                0,
                revision,
            ),
            page: None,
        }
    }
}

impl PendingMembers {
    async fn read(&mut self) -> Result<()> {
        if self.page.is_none() {
            self.page = self.pages.next().await?;
        }
        Ok(())
    }

    fn take(&mut self) -> (Vec<Member>, usize) {
        self.page
            .take()
            .map(|page| (page.members, page.deleted))
            .unwrap_or_default()
    }
}
