//! Compares two sets of contacts, and reads the difference page by page.

use std::sync::Arc;

use crate::{
    domain::{
        Call, Domain, Result,
        selection::{
            self, ContactView, Member, MemberPage, PrefetchedMembers, SelectionPart,
            SelectionSource,
        },
    },
    model::{Commit, ContactSet, PageSize},
};

/// How two sets differ.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// Contacts in the second set only.
    pub(crate) entered: Arc<ContactSet>,
    /// Contacts in the first set only.
    pub(crate) left: Arc<ContactSet>,
    /// Number of contacts in both sets.
    pub(crate) unchanged: u64,
    /// The commit of both sets.
    pub(crate) commit: Commit,
}

/// Compares two sets at one revision.
pub(crate) async fn compare(
    domain: &Domain,
    call: &Call,
    before: &SelectionSource,
    after: &SelectionSource,
) -> Result<Comparison> {
    let sources = [
        (SelectionPart::Before, before),
        (SelectionPart::After, after),
    ];
    let [before, after] = selection::select_all(domain, call, sources).await?;
    Ok(Comparison {
        entered: Arc::new(&*after.members - &*before.members),
        left: Arc::new(&*before.members - &*after.members),
        unchanged: before.members.intersection_len(&after.members),
        commit: before.commit,
    })
}

/// A page of contacts that are in one of the sets only, by contact number.
#[derive(Debug)]
pub(crate) struct DifferencePage {
    pub(crate) entered: Vec<Member>,
    pub(crate) left: Vec<Member>,
    /// The number of the last contact of the page.
    pub(crate) last: u32,
    /// How many contacts are missing because they were deleted since the selection.
    pub(crate) deleted: usize,
}

/// Reads the difference of two sets page by page, with one page prefetched.
pub(crate) struct Differences {
    domain: Domain,
    call: Call,
    comparison: Comparison,
    changed: ContactSet,
    view: ContactView,
    size: PageSize,
    pending: Option<PendingDifference>,
}

/// A page being read: its two halves and the number of its last contact.
struct PendingDifference {
    entered: PendingMembers,
    left: PendingMembers,
    last: u32,
}

/// One half of a page: the read in progress, and its result once it is complete.
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

    /// The next page, or `None` after the last. Cancel-safe.
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
        let (view, size, commit) = (self.view, self.size, self.comparison.commit);
        let members = Arc::new(members);
        PendingMembers {
            pages: PrefetchedMembers::new(&self.domain, &self.call, members, view, size, 0, commit),
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
