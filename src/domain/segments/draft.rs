//! Actions on one segment within one transaction, which reads everything first and then writes.

use std::sync::Arc;

use super::{ActionResult, counted, current, merges::MergeMap};
use crate::{
    domain::{
        Domain, Result,
        selection::{self, Population, SelectionPart, SelectionSource, select_in},
    },
    model::{
        ActionKind, Change, ContactSet, Criterion, MAX_UNDOABLE_ACTIONS, Segment, SegmentAction,
        SegmentId, Selector,
    },
    store::{self, Transaction},
};

/// A segment with uncommitted actions.
pub(super) struct SegmentDraft {
    segment: Segment,
    stored: ContactSet,
    population: Population,
    merges: MergeMap,
    /// The actions, and the numbers that each added to or removed from the stored set.
    actions: Vec<(SegmentAction, ContactSet)>,
}

impl SegmentDraft {
    /// Loads a segment.
    pub(super) async fn load(
        domain: &Domain,
        tx: &mut Transaction,
        id: &SegmentId,
        etag: Option<&str>,
    ) -> Result<Self> {
        let (segment, stored) = current(tx, id, etag).await?;
        let population = selection::population_in(domain, tx).await?;
        let tenant_id = tx.tenant_id();
        let merges = MergeMap::read(tx, tenant_id, &population.everyone, &[&stored]).await?;
        Ok(Self {
            segment,
            stored,
            population,
            merges,
            actions: Vec::new(),
        })
    }

    /// Resolves the contacts of a saved criterion. Returns how many no longer exist, too.
    pub(super) async fn resolve_contacts(
        &self,
        tx: &mut Transaction,
        mut criterion: Criterion,
    ) -> Result<(Criterion, u64)> {
        let mut skipped = 0;
        if let Selector::Contacts(set) = &mut criterion.selector {
            let tenant_id = tx.tenant_id();
            let merges = MergeMap::read(tx, tenant_id, &self.population.everyone, &[set]).await?;
            skipped = merges.dangling(set).len();
            *set = merges.resolve(set);
        }
        Ok((criterion, skipped))
    }

    /// Applies an action in memory.
    pub(super) async fn apply(
        &mut self,
        domain: &Domain,
        tx: &mut Transaction,
        part: SelectionPart,
        criterion: Criterion,
    ) -> Result<()> {
        let members = Arc::new(self.merges.resolve(&self.stored));
        let own = (&self.segment.id, &members);
        let selection = select_in(domain, tx, (part, &source(&criterion)), own).await?;
        let (added, removed, changed) = match criterion.kind {
            ActionKind::Add => {
                let added = &*selection.members - &*members;
                self.stored |= &added;
                (added.len(), 0, added)
            }
            ActionKind::Reduce => self.remove(&*members & &*selection.members),
            ActionKind::Refine => self.remove(&*members - &*selection.members),
        };
        let action = SegmentAction {
            number: self.action_count() + 1,
            criterion,
            added,
            removed,
            excluded: selection.counts.excluded,
            privacy_blocked: selection.counts.privacy_blocked,
            undoable: true,
            revision: tx.revision(),
            create_time: tx.time(),
        };
        self.actions.push((action, changed));
        Ok(())
    }

    fn remove(&mut self, members: ContactSet) -> (u64, u64, ContactSet) {
        let changed = self.merges.stored_numbers(&self.stored, &members);
        self.stored -= &changed;
        (0, members.len(), changed)
    }

    fn action_count(&self) -> i32 {
        let done = i32::try_from(self.actions.len()).unwrap_or(i32::MAX);
        self.segment.action_count.saturating_add(done)
    }

    /// Writes the actions.
    pub(super) async fn finish(self, tx: &mut Transaction) -> Result<ActionResult> {
        let members = self.merges.resolve(&self.stored);
        let population = self.population.clone();
        let sum =
            |of: fn(&SegmentAction) -> u64| self.actions.iter().map(|(done, _)| of(done)).sum();
        let (added, removed) = (sum(|done| done.added), sum(|done| done.removed));
        let (excluded, privacy_blocked) =
            (sum(|done| done.excluded), sum(|done| done.privacy_blocked));
        let segment = match self.actions.is_empty() {
            true => self.segment,
            false => self.write(tx).await?,
        };
        Ok(ActionResult {
            segment: counted(segment, &members, &population),
            added,
            removed,
            excluded,
            privacy_blocked,
        })
    }

    async fn write(self, tx: &mut Transaction) -> Result<Segment> {
        let (number, count) = (self.segment.segment_number, self.action_count());
        let moved = self.actions.iter().any(|(_, changed)| !changed.is_empty());
        for (action, changed) in self.actions {
            store::segments::actions::insert(tx, number, &action, changed).await?;
            if action.number > MAX_UNDOABLE_ACTIONS {
                store::segments::actions::finalize(
                    tx,
                    number,
                    action.number - MAX_UNDOABLE_ACTIONS,
                )
                .await?;
            }
        }
        tx.log(Change::SegmentUpdated(number, self.segment.id));
        let lost = self.merges.dangling(&self.stored);
        let stored = moved.then(|| self.stored - lost);
        Ok(store::segments::update(tx, number, count, stored).await?)
    }
}

/// Where the contacts of a criterion come from.
fn source(criterion: &Criterion) -> SelectionSource {
    let options = criterion.selection_options();
    match &criterion.selector {
        Selector::Expression(expression) => {
            SelectionSource::Expression(expression.clone(), options)
        }
        Selector::Contacts(set) => SelectionSource::Contacts(Arc::new(set.clone()), options),
    }
}
