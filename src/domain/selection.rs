//! Selects contacts by set algebra, exactly as of one revision.

mod error;
mod evaluate;
mod loaded;
mod many_sets;
mod matches;
mod pages;
mod population;
mod prefetch;
mod resolve;
mod set_reader;
mod snapshot;

use std::sync::Arc;

use self::set_reader::{Access, SetReader};
pub(crate) use self::{
    error::{SelectionError, SelectionFault, SelectionPart},
    pages::{ContactView, Member, MemberPage, PrefetchedMembers},
    population::Population,
    snapshot::{Group, Snapshot, snapshot},
};
pub(super) use self::{
    population::{members_in, population, population_in},
    prefetch::{PageReader, Prefetch},
};
use super::{Call, Domain, Error, Result, cache::SetKey};
use crate::{
    model::{Commit, ContactSet, Expression, SegmentCounts, SegmentId, SelectionOptions},
    store::Transaction,
};

/// What to select from.
#[derive(Debug, Clone)]
pub(crate) enum SelectionSource {
    /// The contacts that match an expression, subject to the options.
    Expression(Expression, SelectionOptions),
    /// The contacts on a segment. No options apply.
    Segment(SegmentId),
    /// Contacts given one by one, subject to the options.
    Contacts(Arc<ContactSet>, SelectionOptions),
}

/// The selected contacts, and the matches that were dropped.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    pub(crate) members: Arc<ContactSet>,
    /// Matches dropped because they are marked as excluded from segments.
    pub(crate) excluded: Arc<ContactSet>,
    /// Matches dropped because they are marked as privacy-blocked, excluded or not.
    pub(crate) privacy_blocked: Arc<ContactSet>,
    pub(crate) counts: SegmentCounts,
    /// The commit at which the contacts were selected.
    pub(crate) commit: Commit,
}

/// How often a read is tried before it fails because the tenant's data changes during each try.
const MAX_ATTEMPTS: usize = 8;

/// Selects contacts at one revision, which is not older than the call.
pub(crate) async fn select(
    domain: &Domain,
    call: &Call,
    source: &SelectionSource,
) -> Result<Selection> {
    let sources = [(SelectionPart::Selection, source)];
    let [selection] = select_all(domain, call, sources).await?;
    Ok(selection)
}

/// Selects contacts from several sources, all at one revision, which is not older than the call.
/// An error names the part of the request that it applies to.
pub(crate) async fn select_all<const N: usize>(
    domain: &Domain,
    call: &Call,
    sources: [(SelectionPart, &SelectionSource); N],
) -> Result<[Selection; N]> {
    let tenant_id = domain.tenant_id(call).await?.unwrap_or(0);
    SetReader::new(domain, tenant_id, Access::Pool(&call.tenant))
        .select(sources)
        .await
}

/// Selects contacts within a transaction that holds the tenant's write lock. `draft` replaces the
/// stored members of one segment. Call this before the transaction writes: sets that it reads go
/// to the cache and would stay there after a rollback.
pub(crate) async fn select_in(
    domain: &Domain,
    tx: &mut Transaction,
    source: (SelectionPart, &SelectionSource),
    draft: (&SegmentId, &Arc<ContactSet>),
) -> Result<Selection> {
    let tenant_id = tx.tenant_id();
    let mut reader = SetReader::new(domain, tenant_id, Access::Transaction(tx));
    reader.sets.draft_segment = Some((draft.0.clone(), Arc::clone(draft.1)));
    let [selection] = reader.select([source]).await?;
    Ok(selection)
}

impl SetReader<'_> {
    async fn select<const N: usize>(
        &mut self,
        sources: [(SelectionPart, &SelectionSource); N],
    ) -> Result<[Selection; N]> {
        for _ in 0..MAX_ATTEMPTS {
            if let Some(selections) = self.try_select(sources).await? {
                return selections
                    .try_into()
                    .map_err(|_| Error::broken("the number of selections is wrong"));
            }
        }
        Err(Error::Contended)
    }

    /// One attempt. Returns `None` if sets were missing or out of date after all were read.
    async fn try_select<const N: usize>(
        &mut self,
        sources: [(SelectionPart, &SelectionSource); N],
    ) -> Result<Option<Vec<Selection>>> {
        self.load(SetKey::Companies).await?;
        for (part, source) in sources {
            let loaded = self.load_source(source).await;
            loaded.map_err(|error| error.in_part(part))?;
        }
        let Some(commit) = self.catch_up().await? else {
            return Ok(None);
        };
        let mut selections = Vec::with_capacity(N);
        for (part, source) in sources {
            let selection = self.evaluate(source, commit).await;
            let Some(selection) = selection.map_err(|error| error.in_part(part))? else {
                return Ok(None);
            };
            selections.push(selection);
        }
        Ok(Some(selections))
    }

    /// Loads the sets that a source needs.
    async fn load_source(&mut self, source: &SelectionSource) -> Result<()> {
        match source {
            SelectionSource::Segment(id) => {
                self.load(SetKey::Everyone).await?;
                self.load(SetKey::Segment(id.clone())).await
            }
            SelectionSource::Expression(expression, options) => {
                self.load_options(*options).await?;
                self.load_operands(expression).await
            }
            SelectionSource::Contacts(_, options) => {
                self.load_options(*options).await?;
                self.load(SetKey::Everyone).await
            }
        }
    }

    /// Evaluates a source on the loaded sets, which are all at one revision. Returns `None` if a set is
    /// missing.
    async fn evaluate(
        &mut self,
        source: &SelectionSource,
        commit: Commit,
    ) -> Result<Option<Selection>> {
        let operands = match source {
            SelectionSource::Expression(expression, _) => self.resolve(expression).await?,
            SelectionSource::Segment(_) | SelectionSource::Contacts(..) => Some(<_>::default()),
        };
        let Some(operands) = operands else {
            return Ok(None);
        };
        if !self.sets.is_long(source, &operands) {
            return self.sets.evaluate(source, &operands, commit).map(Some);
        }
        let (sets, source) = (std::mem::take(&mut self.sets), source.clone());
        let evaluate = move || {
            let selection = sets.evaluate(&source, &operands, commit);
            (sets, selection)
        };
        let (sets, selection) = self.compute(true, evaluate).await?;
        self.sets = sets;
        selection.map(Some)
    }

    /// Loads the sets that the options need.
    async fn load_options(&mut self, options: SelectionOptions) -> Result<()> {
        if !options.include_excluded {
            self.load(SetKey::Excluded).await?;
        }
        if !options.include_privacy_blocked {
            self.load(SetKey::PrivacyBlocked).await?;
        }
        if options.expand_companies || options.include_related_companies {
            self.load(SetKey::CompanyOf).await?;
            self.load(SetKey::Everyone).await?;
        }
        Ok(())
    }
}
