//! Selecting contacts: set algebra over ContactSets, exact at one revision.

mod pages;
mod prefetch;
mod resolve;
mod set_reader;
mod snapshot;

use std::sync::Arc;

use self::set_reader::{Access, SetReader};
pub(crate) use self::{
    pages::{ContactView, Member, MemberPage, PrefetchedMembers},
    snapshot::{Group, Snapshot, snapshot},
};
pub(super) use self::{
    prefetch::{PageReader, Prefetch},
    snapshot::descriptions,
};
use super::{Call, Domain, Error, Result, cache::SetKey};
use crate::{
    model::{ContactSet, Expression, SegmentCounts, SegmentId, SelectionOptions},
    store::Transaction,
};

/// Whom to select.
#[derive(Debug, Clone)]
pub(crate) enum SelectionSource {
    /// Those who match an expression, as the options have it.
    Expression(Expression, SelectionOptions),
    /// Those who are on a segment, as they were put there.
    Segment(SegmentId),
    /// Those who are named one by one, as the options have it.
    Contacts(Arc<ContactSet>, SelectionOptions),
}

/// Who there is.
#[derive(Debug, Clone)]
pub(crate) struct Population {
    /// All contacts.
    pub(crate) everyone: Arc<ContactSet>,
    /// All companies.
    pub(crate) companies: Arc<ContactSet>,
}

/// Who was selected, and who was left out.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    /// The contacts.
    pub(crate) members: Arc<ContactSet>,
    /// Matches dropped because they are to be left out of segments.
    pub(crate) excluded: Arc<ContactSet>,
    /// Matches dropped because they asked for it, whether or not they are excluded as well.
    pub(crate) privacy_blocked: Arc<ContactSet>,
    /// How many they are.
    pub(crate) counts: SegmentCounts,
}

/// How often an answer is begun anew because the tenant's data moved on while leaves were read.
const MAX_ATTEMPTS: usize = 8;

/// Selects contacts. Everything is read at one revision, which is not older than the call.
pub(crate) async fn select(
    domain: &Domain,
    call: &Call,
    source: &SelectionSource,
) -> Result<Selection> {
    let [selection] = select_all(domain, call, [source]).await?;
    Ok(selection)
}

/// Selects contacts from several sources, all at one revision, which is not older than the call.
pub(crate) async fn select_all<const N: usize>(
    domain: &Domain,
    call: &Call,
    sources: [&SelectionSource; N],
) -> Result<[Selection; N]> {
    let tenant_id = domain.tenant_id(call).await?.unwrap_or(0);
    SetReader::new(domain, tenant_id, Access::Pool)
        .select(sources)
        .await
}

/// Selects contacts within a transaction, which holds the tenant's clock: exactly those that the
/// transaction found. Only `own` is a segment as the transaction makes it. What it has written
/// must not be read, as it would be remembered even if it is undone: so select first, then write.
pub(crate) async fn select_in(
    domain: &Domain,
    tx: &mut Transaction,
    source: &SelectionSource,
    own: (&SegmentId, &Arc<ContactSet>),
) -> Result<Selection> {
    let tenant_id = tx.tenant_id();
    let mut reader = SetReader::new(domain, tenant_id, Access::Transaction(tx));
    reader.draft_segment = Some((own.0.clone(), Arc::clone(own.1)));
    let [selection] = reader.select([source]).await?;
    Ok(selection)
}

/// Who there is, at a revision that is not older than the call.
pub(super) async fn population(domain: &Domain, call: &Call) -> Result<Population> {
    let tenant_id = domain.tenant_id(call).await?.unwrap_or(0);
    SetReader::new(domain, tenant_id, Access::Pool)
        .population()
        .await
}

/// Who there is, within a transaction that has not written yet.
pub(super) async fn population_in(domain: &Domain, tx: &mut Transaction) -> Result<Population> {
    let tenant_id = tx.tenant_id();
    SetReader::new(domain, tenant_id, Access::Transaction(tx))
        .population()
        .await
}

fn contended() -> Error {
    Error::Unavailable("the data changes faster than it can be read".into())
}

impl SetReader<'_> {
    async fn select<const N: usize>(
        &mut self,
        sources: [&SelectionSource; N],
    ) -> Result<[Selection; N]> {
        for _ in 0..MAX_ATTEMPTS {
            if let Some(selections) = self.attempt(sources).await? {
                return selections
                    .try_into()
                    .map_err(|_| Error::broken("not one selection a source"));
            }
        }
        Err(contended())
    }

    async fn population(&mut self) -> Result<Population> {
        for _ in 0..MAX_ATTEMPTS {
            self.load(SetKey::Everyone).await?;
            self.load(SetKey::Companies).await?;
            if self.catch_up().await?.is_some() {
                return Ok(Population {
                    everyone: self.set(&SetKey::Everyone),
                    companies: self.set(&SetKey::Companies),
                });
            }
        }
        Err(contended())
    }

    /// One attempt; `None` if leaves were missing or out of date once everything was read.
    async fn attempt<const N: usize>(
        &mut self,
        sources: [&SelectionSource; N],
    ) -> Result<Option<Vec<Selection>>> {
        self.load(SetKey::Companies).await?;
        for source in sources {
            self.load_source(source).await?;
        }
        let Some(revision) = self.catch_up().await? else {
            return Ok(None);
        };
        let mut selections = Vec::with_capacity(N);
        for source in sources {
            let Some(selection) = self.evaluate_source(source, revision).await? else {
                return Ok(None);
            };
            selections.push(selection);
        }
        Ok(Some(selections))
    }

    /// Reads what a source needs.
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

    /// Selects from what was read, which is at one revision. `None` if something is missing.
    async fn evaluate_source(
        &mut self,
        source: &SelectionSource,
        revision: i64,
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
        Ok(Some(self.drop_marked(expanded, options, revision)))
    }

    /// Reads what the options need.
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

    /// Goes from matches to the companies and people that the options reach for.
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

    /// Drops those who are to be left out, and counts.
    fn drop_marked(
        &self,
        expanded: Arc<ContactSet>,
        options: SelectionOptions,
        revision: i64,
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
            revision,
        };
        Selection {
            members,
            excluded: Arc::new(excluded),
            privacy_blocked: Arc::new(blocked),
            counts,
        }
    }
}
