//! Selecting contacts: set algebra over ContactSets, exact at one revision.

mod freeze;
mod pages;
mod reader;
mod resolve;

use std::sync::Arc;

use self::reader::{Access, Reader};
pub use self::{
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
pub enum Source {
    /// Those who match an expression, as the options have it.
    Expression(Expression, SelectionOptions),
    /// Those who are on a segment, as they were put there.
    Segment(SegmentId),
}

/// Who was selected, and who was left out.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The contacts.
    pub members: Arc<ContactSet>,
    /// Matches dropped because they are to be left out of segments.
    pub excluded: Arc<ContactSet>,
    /// Matches dropped because they asked for it, whether or not they are excluded as well.
    pub privacy_blocked: Arc<ContactSet>,
    /// How many they are.
    pub counts: SegmentCounts,
}

/// How often an answer is begun anew because the tenant's data moved on while leaves were read.
const ROUNDS: usize = 8;

/// Selects contacts. Everything is read at one revision, which is not older than the call.
pub async fn select(domain: &Domain, call: &Call, source: &Source) -> Result<Selection> {
    let tenant_id = domain.tenant_id(call).await?.unwrap_or(0);
    Reader::new(domain, tenant_id, Access::Pool)
        .select(source)
        .await
}

/// Selects contacts within a transaction, which holds the tenant's clock: exactly those that the
/// transaction found.
pub async fn select_in(
    domain: &Domain,
    tx: &mut Transaction,
    source: &Source,
) -> Result<Selection> {
    let tenant_id = tx.tenant_id();
    Reader::new(domain, tenant_id, Access::Own(tx))
        .select(source)
        .await
}

fn moving() -> Error {
    Error::Unavailable("the data changes faster than it can be read".into())
}

impl Reader<'_> {
    async fn select(&mut self, source: &Source) -> Result<Selection> {
        for _ in 0..ROUNDS {
            if let Some(selection) = self.attempt(source).await? {
                return Ok(selection);
            }
        }
        Err(moving())
    }

    /// One attempt; `None` if leaves were missing or out of date once everything was read.
    async fn attempt(&mut self, source: &Source) -> Result<Option<Selection>> {
        self.want(Key::Companies).await?;
        match source {
            Source::Segment(id) => {
                self.want(Key::Everyone).await?;
                self.want(Key::Segment(id.clone())).await?;
            }
            Source::Expression(expression, options) => {
                self.want_options(*options).await?;
                self.want_operands(expression).await?;
            }
        }
        let Some(revision) = self.catch_up().await? else {
            return Ok(None);
        };
        match source {
            Source::Segment(id) => {
                let members = self.segment(id)?;
                Ok(Some(self.selected(
                    members,
                    SelectionOptions::everybody(),
                    revision,
                )))
            }
            Source::Expression(expression, options) => {
                let Some(operands) = self.resolve(expression).await? else {
                    return Ok(None);
                };
                let everyone = self.set(&Key::Everyone);
                let mut operands = operands.into_iter();
                let next = |_: &_| Ok::<_, Error>(operands.next().unwrap_or_default());
                let matches = expression.evaluate(&everyone, next)?;
                let reached = self.reach(matches, *options);
                Ok(Some(self.selected(reached, *options, revision)))
            }
        }
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
