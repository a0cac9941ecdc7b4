//! Evaluates a selection on loaded sets, without the database.

use std::{collections::HashMap, sync::Arc};

use roaring::MultiOps;

use super::{Selection, SelectionSource, loaded::LoadedSets, resolve::ResolvedOperands};
use crate::{
    domain::{Error, Resource, Result, cache::SetKey},
    model::{
        Commit, ContactKind, ContactSet, Expression, SegmentCounts, SelectionOptions,
        expression::{Operand, Term},
    },
};

/// The work that is done at once, in containers of sets: about a millisecond.
const LONG_WORK: u64 = 1_000;

/// How many contacts are visited in the time that it takes to combine two containers.
const CONTACTS_PER_CONTAINER: u64 = 128;

impl LoadedSets {
    /// Whether an evaluation may take more than about a millisecond.
    pub(super) fn is_long(&self, source: &SelectionSource, operands: &ResolvedOperands) -> bool {
        let everyone = self.set(&SetKey::Everyone).len();
        let containers = 1 + (everyone >> 16);
        let (expression, options) = match source {
            SelectionSource::Segment(_) => (None, SelectionOptions::everybody()),
            SelectionSource::Contacts(_, options) => (None, *options),
            SelectionSource::Expression(expression, options) => (Some(expression), *options),
        };
        let sets = expression.map_or(1, |it| it.operands().map(Operand::set_count).sum::<usize>())
            + operands.matched.len();
        let visits_all = options.expand_companies || options.include_related_companies;
        let visited = u64::from(visits_all) * everyone / CONTACTS_PER_CONTAINER;
        // Most of very many groups have few members, which lie in some containers only.
        sets as u64 * containers.min(16) + visited > LONG_WORK
    }

    /// Evaluates a source.
    pub(super) fn evaluate(
        &self,
        source: &SelectionSource,
        operands: &ResolvedOperands,
        commit: Commit,
    ) -> Result<Selection> {
        let everyone = self.set(&SetKey::Everyone);
        let (matches, options) = match source {
            SelectionSource::Segment(id) => (self.segment(id)?, SelectionOptions::everybody()),
            SelectionSource::Contacts(set, options) => (Arc::new(&**set & &*everyone), *options),
            SelectionSource::Expression(expression, options) => {
                let sets = self.operand_sets(expression, operands)?;
                let set_of = |operand: &Operand| {
                    let set = sets.get(&operand.term).map(Arc::clone);
                    set.ok_or_else(|| Error::broken("an operand without a set"))
                };
                (expression.evaluate(&everyone, set_of)?, *options)
            }
        };
        let expanded = self.expand_companies(matches, options);
        Ok(self.drop_marked(expanded, options, commit))
    }

    /// The sets of the distinct terms of an expression, except `*`.
    fn operand_sets<'e>(
        &self,
        expression: &'e Expression,
        operands: &ResolvedOperands,
    ) -> Result<HashMap<&'e Term, Arc<ContactSet>>> {
        let mut sets: HashMap<&Term, Arc<ContactSet>> = HashMap::new();
        for operand in expression.operands() {
            let term = &operand.term;
            if sets.contains_key(term) {
                continue;
            }
            let set = match term {
                Term::Everyone => continue,
                Term::Code(_) | Term::Pattern(_) => {
                    let groups = operands.matched.groups(term).iter();
                    self.any_of(groups.map(|id| SetKey::Members(*id)))
                }
                Term::Kind(kind) => self.of_kind(*kind),
                Term::Company(id) => match operands.companies.get(id) {
                    Some(number) => self.set(&SetKey::OfCompany(*number)),
                    None => Arc::default(),
                },
                Term::Email(email) => self.set(&SetKey::Email(email.folded())),
                Term::Attribute(test) => self.any_of(SetKey::of_attribute(test)),
                Term::Segment(id) => {
                    let missing =
                        |_| Error::unknown_operand(Resource::Segment, id.as_str(), operand);
                    self.segment(id).map_err(missing)?
                }
            };
            sets.insert(term, set);
        }
        Ok(sets)
    }

    /// The contacts of any of these sets.
    fn any_of(&self, keys: impl Iterator<Item = SetKey>) -> Arc<ContactSet> {
        let mut sets: Vec<_> = keys.map(|key| self.set(&key)).collect();
        match sets.len() {
            1 => sets.remove(0),
            _ => Arc::new(sets.iter().map(|set| &**set).union()),
        }
    }

    fn of_kind(&self, kind: ContactKind) -> Arc<ContactSet> {
        let companies = self.set(&SetKey::Companies);
        match kind {
            ContactKind::Company => companies,
            ContactKind::Person => Arc::new(&*self.set(&SetKey::Everyone) - &*companies),
        }
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
            expanded |= company_of.contacts_of(&companies);
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
