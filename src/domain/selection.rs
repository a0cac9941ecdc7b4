//! Selects contacts by set algebra, exactly as of one revision.

mod error;
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
    SetReader::new(domain, tenant_id, Access::Pool)
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
    reader.draft_segment = Some((draft.0.clone(), Arc::clone(draft.1)));
    let [selection] = reader.select([source]).await?;
    Ok(selection)
}

fn contended() -> Error {
    Error::Unavailable("the data changes faster than it can be read".into())
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
        Err(contended())
    }

    /// One attempt. Returns `None` if sets were missing or out of date after all were read.
    async fn try_select<const N: usize>(
        &mut self,
        sources: [(SelectionPart, &SelectionSource); N],
    ) -> Result<Option<Vec<Selection>>> {
        self.load(SetKey::Companies).await?;
        for (_, source) in sources {
            self.load_source(source).await?;
        }
        let Some(commit) = self.catch_up().await? else {
            return Ok(None);
        };
        let mut selections = Vec::with_capacity(N);
        for (part, source) in sources {
            let selection = self.evaluate_source(source, commit).await;
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
    async fn evaluate_source(
        &mut self,
        source: &SelectionSource,
        commit: Commit,
    ) -> Result<Option<Selection>> {
        let (matches, options) = match source {
            SelectionSource::Segment(id) => (self.segment(id)?, SelectionOptions::everybody()),
            SelectionSource::Contacts(set, options) => {
                (Arc::new(&**set & &*self.set(&SetKey::Everyone)), *options)
            }
            SelectionSource::Expression(expression, options) => {
                let Some(operands) = self.resolve(expression).await? else {
                    return Ok(None);
                };
                let everyone = self.set(&SetKey::Everyone);
                let mut operands = operands.into_iter();
                let next = |_: &_| Ok::<_, Error>(operands.next().unwrap_or_default());
                (expression.evaluate(&everyone, next)?, *options)
            }
        };
        let expanded = self.expand_companies(matches, options);
        Ok(Some(self.drop_marked(expanded, options, commit)))
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
        }
        if options.expand_companies {
            self.load(SetKey::Everyone).await?;
        }
        Ok(())
    }

    /// Adds the companies and people that the options ask for.
    fn expand_companies(
        &self,
        matches: Arc<ContactSet>,
        options: SelectionOptions,
    ) -> Arc<ContactSet> {
        if !options.expand_companies && !options.include_related_companies {
            return matches;
        }
        let company_of = self.companies();
        let companies: ContactSet = matches.iter().filter_map(|n| company_of.of(n)).collect();
        let mut expanded = &*matches | &companies;
        if options.expand_companies {
            let everyone = self.set(&SetKey::Everyone);
            let is_reached = |n: &u32| company_of.of(*n).is_some_and(|c| companies.contains(c));
            expanded.extend(everyone.iter().filter(is_reached));
        }
        Arc::new(expanded)
    }

    /// Drops excluded and privacy-blocked contacts, and counts.
    fn drop_marked(
        &self,
        expanded: Arc<ContactSet>,
        options: SelectionOptions,
        commit: Commit,
    ) -> Selection {
        let marked = |keep: bool, key: SetKey, among: &ContactSet| match keep {
            true => ContactSet::new(),
            false => among & &*self.set(&key),
        };
        let blocked = marked(
            options.include_privacy_blocked,
            SetKey::PrivacyBlocked,
            &expanded,
        );
        let mut excluded = marked(options.include_excluded, SetKey::Excluded, &expanded);
        excluded -= &blocked;
        let members = match blocked.is_empty() && excluded.is_empty() {
            true => expanded,
            false => Arc::new(&(&*expanded - &blocked) - &excluded),
        };
        let counts = SegmentCounts {
            members: members.len(),
            companies: members.intersection_len(&self.set(&SetKey::Companies)),
            excluded: excluded.len(),
            privacy_blocked: blocked.len(),
            revision: commit.revision,
        };
        Selection {
            members,
            excluded: Arc::new(excluded),
            privacy_blocked: Arc::new(blocked),
            counts,
            commit,
        }
    }
}
