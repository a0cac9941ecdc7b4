//! Finds what the operands of an expression name: groups, companies.

use std::{collections::HashMap, sync::Arc};

use super::{
    error::SelectionFault, many_sets::ManySets, matches::MatchedGroups, set_reader::SetReader,
};
use crate::{
    domain::{Error, Result, cache::SetKey, lookup},
    model::{
        Code, ContactId, ContactKind, Expression,
        expression::{Operand, Term},
    },
};

/// What the operands of an expression name.
#[derive(Default)]
pub(super) struct ResolvedOperands {
    pub(super) matched: Arc<MatchedGroups>,
    /// The numbers of the companies.
    pub(super) companies: HashMap<ContactId, u32>,
}

/// How many codes are matched in about a millisecond.
const LONG_MATCHING: usize = 10_000;

impl SetReader<'_> {
    /// Loads the sets that the operands need, as far as they are known before the sets are up to date.
    pub(super) async fn load_operands(&mut self, expression: &Expression) -> Result<()> {
        if expression.needs_everyone() {
            self.load(SetKey::Everyone).await?;
        }
        let mut names_groups = false;
        for operand in expression.operands() {
            match &operand.term {
                Term::Code(_) | Term::Pattern(_) => names_groups = true,
                // Companies are loaded together.
                Term::Everyone | Term::Company(_) => {}
                Term::Kind(_) => self.load(SetKey::Everyone).await?,
                Term::Email(email) => self.load(SetKey::Email(email.folded())).await?,
                Term::Attribute(test) => {
                    for key in SetKey::of_attribute(test) {
                        self.load(key).await?;
                    }
                }
                Term::Segment(id) => {
                    self.load(SetKey::Everyone).await?;
                    self.load(SetKey::Segment(id.clone())).await?;
                }
            }
        }
        if names_groups {
            self.load(SetKey::Groups).await?;
            let matched = self.match_groups(expression).await?;
            self.load_many(ManySets::Members, matched.distinct())
                .await?;
        }
        self.load_companies(expression).await
    }

    /// Finds what the operands name, after all sets were brought to one revision. Returns `None` if a
    /// further set turned out to be needed.
    pub(super) async fn resolve(
        &mut self,
        expression: &Expression,
    ) -> Result<Option<ResolvedOperands>> {
        let matched = self.match_groups(expression).await?;
        let is_loaded = |id: &i32| self.sets.is_loaded(&SetKey::Members(*id));
        if !matched.distinct().iter().all(is_loaded) {
            return Ok(None);
        }
        for operand in expression.operands() {
            if let Term::Code(code) = &operand.term
                && matched.groups(&operand.term).is_empty()
            {
                let Some(error) = self.unknown_group(code).await? else {
                    return Ok(None);
                };
                return Err(error.at_operand(operand));
            }
        }
        let mut companies = HashMap::new();
        for (id, _) in companies_in(expression) {
            let number = self.companies.get(id).copied();
            // The companies were looked up before the sets were brought to one revision.
            let exists = |it: &u32| self.sets.set(&SetKey::OfCompany(*it)).contains(*it);
            let Some(number) = number.filter(exists) else {
                return Ok(None);
            };
            companies.insert(id.clone(), number);
        }
        Ok(Some(ResolvedOperands { matched, companies }))
    }

    /// The groups that an expression names or matches, of the loaded ones. Repeated while the groups
    /// are the same, it costs nothing.
    async fn match_groups(&mut self, expression: &Expression) -> Result<Arc<MatchedGroups>> {
        let groups = self.sets.groups();
        let text = expression.text();
        if let Some((of, known)) = self.matched.get(text)
            && Arc::ptr_eq(of, &groups)
        {
            return Ok(Arc::clone(known));
        }
        let is_pattern = |operand: &&Operand| matches!(operand.term, Term::Pattern(_));
        let patterns = expression.operands().filter(is_pattern).count();
        let is_long = patterns * groups.len() > LONG_MATCHING;
        let (all, owned) = (Arc::clone(&groups), expression.clone());
        let find = move || MatchedGroups::find(&all, &owned);
        let found = Arc::new(self.compute(is_long, find).await??);
        let known = (groups, Arc::clone(&found));
        self.matched.insert(text.to_owned(), known);
        Ok(found)
    }

    /// The error for a code that no loaded group has; `None` if a group has it by now.
    async fn unknown_group(&mut self, code: &Code) -> Result<Option<Error>> {
        let (tenant_id, codes) = (self.tenant_id, std::slice::from_ref(code));
        let look = async |conn: &mut _| lookup::groups(conn, tenant_id, codes).await;
        let named = self.read(look).await?;
        Ok(named.get(code).err().map(|now| Error::no_group(code, now)))
    }

    /// Looks up the companies that an expression names, and loads their contacts.
    async fn load_companies(&mut self, expression: &Expression) -> Result<()> {
        let wanted = companies_in(expression);
        if wanted.is_empty() {
            return Ok(());
        }
        let (tenant_id, ids) = (self.tenant_id, wanted.iter().map(|(id, _)| (*id).clone()));
        let ids: Vec<ContactId> = ids.collect();
        let look = async |conn: &mut _| lookup::contacts(conn, tenant_id, &ids).await;
        let named = self.read(look).await?;
        let mut numbers = Vec::with_capacity(wanted.len());
        for (id, operand) in wanted {
            let contact = named.get(id);
            let contact = contact.map_err(|now| Error::no_contact(id, now).at_operand(operand))?;
            if contact.kind == ContactKind::Person {
                let (id, position) = (id.clone(), operand.position);
                return Err(SelectionFault::NotACompany { id, position }.into());
            }
            let number = contact.contact_number;
            numbers.push(number);
            self.companies.insert(id.clone(), number.cast_unsigned());
        }
        self.load_many(ManySets::OfCompany, numbers).await
    }
}

/// The companies that an expression names, each with the first operand that does.
fn companies_in(expression: &Expression) -> Vec<(&ContactId, &Operand)> {
    let mut named: HashMap<&ContactId, &Operand> = HashMap::new();
    for operand in expression.operands() {
        if let Term::Company(id) = &operand.term {
            named.entry(id).or_insert(operand);
        }
    }
    let mut named: Vec<_> = named.into_iter().collect();
    named.sort_unstable_by_key(|(_, operand)| operand.position);
    named
}
