//! Selecting contacts: set algebra over ContactSets, exact at one revision.

mod ahead;
mod freeze;
mod pages;
mod reader;
mod resolve;

use std::sync::Arc;

use self::reader::{Access, Reader};
pub(super) use self::{
    ahead::{Ahead, Source as Pageable},
    freeze::descriptions,
};
pub(crate) use self::{
    freeze::{Frozen, Group, freeze},
    pages::{Member, Page, Pages, View},
};
use super::{Call, Domain, Error, Result, index::Key};
use crate::{
    model::{ContactSet, Expression, SegmentCounts, SegmentId, SelectionOptions},
    store::Transaction,
};

/// Whom to select.
#[derive(Debug, Clone)]
pub(crate) enum Source {
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
const ROUNDS: usize = 8;

/// Selects contacts. Everything is read at one revision, which is not older than the call.
pub(crate) async fn select(domain: &Domain, call: &Call, source: &Source) -> Result<Selection> {
    let [selection] = select_all(domain, call, [source]).await?;
    Ok(selection)
}

/// Selects contacts from several sources, all at one revision, which is not older than the call.
pub(crate) async fn select_all<const N: usize>(
    domain: &Domain,
    call: &Call,
    sources: [&Source; N],
) -> Result<[Selection; N]> {
    let tenant_id = domain.tenant_id(call).await?.unwrap_or(0);
    Reader::new(domain, tenant_id, Access::Pool)
        .select(sources)
        .await
}

/// Selects contacts within a transaction, which holds the tenant's clock: exactly those that the
/// transaction found. Only `own` is a segment as the transaction makes it. What it has written
/// must not be read, as it would be remembered even if it is undone: so select first, then write.
pub(crate) async fn select_in(
    domain: &Domain,
    tx: &mut Transaction,
    source: &Source,
    own: (&SegmentId, &Arc<ContactSet>),
) -> Result<Selection> {
    let tenant_id = tx.tenant_id();
    let mut reader = Reader::new(domain, tenant_id, Access::Own(tx));
    reader.own = Some((own.0.clone(), Arc::clone(own.1)));
    let [selection] = reader.select([source]).await?;
    Ok(selection)
}

/// Who there is, at a revision that is not older than the call.
pub(super) async fn population(domain: &Domain, call: &Call) -> Result<Population> {
    let tenant_id = domain.tenant_id(call).await?.unwrap_or(0);
    Reader::new(domain, tenant_id, Access::Pool)
        .population()
        .await
}

/// Who there is, within a transaction that has not written yet.
pub(super) async fn population_in(domain: &Domain, tx: &mut Transaction) -> Result<Population> {
    let tenant_id = tx.tenant_id();
    Reader::new(domain, tenant_id, Access::Own(tx))
        .population()
        .await
}

fn moving() -> Error {
    Error::Unavailable("the data changes faster than it can be read".into())
}

impl Reader<'_> {
    async fn select<const N: usize>(&mut self, sources: [&Source; N]) -> Result<[Selection; N]> {
        for _ in 0..ROUNDS {
            if let Some(selections) = self.attempt(sources).await? {
                return selections
                    .try_into()
                    .map_err(|_| Error::broken("not one selection a source"));
            }
        }
        Err(moving())
    }

    async fn population(&mut self) -> Result<Population> {
        for _ in 0..ROUNDS {
            self.want(Key::Everyone).await?;
            self.want(Key::Companies).await?;
            if self.catch_up().await?.is_some() {
                return Ok(Population {
                    everyone: self.set(&Key::Everyone),
                    companies: self.set(&Key::Companies),
                });
            }
        }
        Err(moving())
    }

    /// One attempt; `None` if leaves were missing or out of date once everything was read.
    async fn attempt<const N: usize>(
        &mut self,
        sources: [&Source; N],
    ) -> Result<Option<Vec<Selection>>> {
        self.want(Key::Companies).await?;
        for source in sources {
            self.want_source(source).await?;
        }
        let Some(revision) = self.catch_up().await? else {
            return Ok(None);
        };
        let mut selections = Vec::with_capacity(N);
        for source in sources {
            let Some(selection) = self.answer(source, revision).await? else {
                return Ok(None);
            };
            selections.push(selection);
        }
        Ok(Some(selections))
    }

    /// Reads what a source needs.
    async fn want_source(&mut self, source: &Source) -> Result<()> {
        match source {
            Source::Segment(id) => {
                self.want(Key::Everyone).await?;
                self.want(Key::Segment(id.clone())).await
            }
            Source::Expression(expression, options) => {
                self.want_options(*options).await?;
                self.want_operands(expression).await
            }
            Source::Contacts(_, options) => {
                self.want_options(*options).await?;
                self.want(Key::Everyone).await
            }
        }
    }

    /// Selects from what was read, which is at one revision. `None` if something is missing.
    async fn answer(&mut self, source: &Source, revision: i64) -> Result<Option<Selection>> {
        let (matches, options) = match source {
            Source::Segment(id) => (self.segment(id)?, SelectionOptions::everybody()),
            Source::Contacts(set, options) => {
                (Arc::new(&**set & &*self.set(&Key::Everyone)), *options)
            }
            Source::Expression(expression, options) => {
                let Some(operands) = self.resolve(expression).await? else {
                    return Ok(None);
                };
                let everyone = self.set(&Key::Everyone);
                let mut operands = operands.into_iter();
                let next = |_: &_| Ok::<_, Error>(operands.next().unwrap_or_default());
                (expression.evaluate(&everyone, next)?, *options)
            }
        };
        let reached = self.reach(matches, options);
        Ok(Some(self.selected(reached, options, revision)))
    }

    /// Reads what the options need.
    async fn want_options(&mut self, options: SelectionOptions) -> Result<()> {
        if !options.include_excluded {
            self.want(Key::Excluded).await?;
        }
        if !options.include_privacy_blocked {
            self.want(Key::PrivacyBlocked).await?;
        }
        if options.expand_companies || options.include_related_companies {
            self.want(Key::CompanyOf).await?;
        }
        if options.expand_companies {
            self.want(Key::Everyone).await?;
        }
        Ok(())
    }

    /// Goes from matches to the companies and people that the options reach for.
    fn reach(&self, matches: Arc<ContactSet>, options: SelectionOptions) -> Arc<ContactSet> {
        if !options.expand_companies && !options.include_related_companies {
            return matches;
        }
        let company_of = self.companies();
        let companies: ContactSet = matches.iter().filter_map(|n| company_of.of(n)).collect();
        let mut reached = &*matches | &companies;
        if options.expand_companies {
            let everyone = self.set(&Key::Everyone);
            let is_reached = |n: &u32| company_of.of(*n).is_some_and(|c| companies.contains(c));
            reached.extend(everyone.iter().filter(is_reached));
        }
        Arc::new(reached)
    }

    /// Drops those who are to be left out, and counts.
    fn selected(
        &self,
        reached: Arc<ContactSet>,
        options: SelectionOptions,
        revision: i64,
    ) -> Selection {
        let marked = |keep: bool, key: Key, among: &ContactSet| match keep {
            true => ContactSet::new(),
            false => among & &*self.set(&key),
        };
        let blocked = marked(
            options.include_privacy_blocked,
            Key::PrivacyBlocked,
            &reached,
        );
        let mut excluded = marked(options.include_excluded, Key::Excluded, &reached);
        excluded -= &blocked;
        let members = match blocked.is_empty() && excluded.is_empty() {
            true => reached,
            false => Arc::new(&(&*reached - &blocked) - &excluded),
        };
        let counts = SegmentCounts {
            members: members.len(),
            companies: members.intersection_len(&self.set(&Key::Companies)),
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
