//! Finds the sets of the operands of an expression.

use std::sync::Arc;

use roaring::MultiOps;

use super::{
    error::SelectionFault,
    set_reader::{Access, SetReader},
};
use crate::{
    domain::{Error, Resource, Result, cache::SetKey, lookup},
    model::{
        Code, Contact, ContactId, ContactKind, ContactSet, Expression, SegmentId,
        expression::{Operand, Pattern, Term},
    },
};

impl SetReader<'_> {
    /// Loads the sets that the operands need, as far as they are known before the sets are up to date.
    pub(super) async fn load_operands(&mut self, expression: &Expression) -> Result<()> {
        if expression.needs_everyone() {
            self.load(SetKey::Everyone).await?;
        }
        for operand in expression.operands() {
            match &operand.term {
                Term::Code(_) | Term::Pattern(_) => self.load(SetKey::Groups).await?,
                Term::Everyone => {}
                Term::Kind(_) => self.load(SetKey::Everyone).await?,
                Term::Company(_) => {
                    self.load(SetKey::Everyone).await?;
                    self.load(SetKey::CompanyOf).await?;
                }
                Term::Email(email) => self.load(SetKey::Email(email.folded())).await?,
                Term::Segment(id) => {
                    self.load(SetKey::Everyone).await?;
                    self.load(SetKey::Segment(id.clone())).await?;
                }
            }
        }
        for key in self.group_keys(expression) {
            self.load(key).await?;
        }
        Ok(())
    }

    /// Returns the sets of all operands except `*`, in order, after all sets were brought to one
    /// revision. Returns `None` if a further set turned out to be needed.
    pub(super) async fn resolve(
        &mut self,
        expression: &Expression,
    ) -> Result<Option<Vec<Arc<ContactSet>>>> {
        if self
            .group_keys(expression)
            .iter()
            .any(|key| !self.is_loaded(key))
        {
            return Ok(None);
        }
        let mut sets = Vec::new();
        for operand in expression.operands() {
            sets.push(match &operand.term {
                Term::Everyone => continue,
                Term::Code(code) => self.group(code, operand).await?,
                Term::Pattern(pattern) => self.matching(pattern),
                Term::Kind(kind) => self.of_kind(*kind),
                Term::Company(id) => match self.company(id, operand).await? {
                    Some(set) => set,
                    None => return Ok(None),
                },
                Term::Email(email) => self.set(&SetKey::Email(email.folded())),
                Term::Segment(id) => {
                    let missing =
                        |_| Error::unknown_operand(Resource::Segment, id.as_str(), operand);
                    self.segment(id).map_err(missing)?
                }
            });
        }
        Ok(Some(sets))
    }

    /// The contacts on a segment that still exist.
    pub(super) fn segment(&self, id: &SegmentId) -> Result<Arc<ContactSet>> {
        if let Some((draft, members)) = &self.draft_segment
            && draft == id
        {
            return Ok(Arc::clone(members));
        }
        let key = SetKey::Segment(id.clone());
        if !self.exists(&key) {
            return Err(SelectionFault::UnknownSegment(id.clone()).into());
        }
        let (stored, everyone) = (self.set(&key), self.set(&SetKey::Everyone));
        match stored.is_subset(&everyone) {
            true => Ok(stored),
            false => Ok(Arc::new(&*stored & &*everyone)),
        }
    }

    /// The keys of the existing groups that an expression names or matches.
    fn group_keys(&self, expression: &Expression) -> Vec<SetKey> {
        let groups = self.groups();
        let mut keys = Vec::new();
        for operand in expression.operands() {
            match &operand.term {
                Term::Code(code) => keys.extend(groups.get(code).copied()),
                Term::Pattern(pattern) => {
                    let matching = groups
                        .iter()
                        .filter(|(code, _)| pattern.matches(code.as_str()));
                    keys.extend(matching.map(|(_, id)| *id));
                }
                _ => {}
            }
        }
        keys.into_iter().map(SetKey::Members).collect()
    }

    async fn group(&mut self, code: &Code, operand: &Operand) -> Result<Arc<ContactSet>> {
        match self.groups().get(code) {
            Some(id) => Ok(self.set(&SetKey::Members(*id))),
            None => Err(self.unknown(code, operand).await),
        }
    }

    async fn unknown(&mut self, code: &Code, operand: &Operand) -> Error {
        let tenant_id = self.tenant_id;
        let error = match &mut self.access {
            Access::Pool => {
                let look =
                    async |conn: &mut _| Ok(lookup::unknown_group(conn, tenant_id, code).await);
                self.domain
                    .read(tenant_id, look)
                    .await
                    .unwrap_or_else(|error| error)
            }
            Access::Transaction(tx) => lookup::unknown_group(tx, tenant_id, code).await,
        };
        error.at_operand(operand)
    }

    fn matching(&self, pattern: &Pattern) -> Arc<ContactSet> {
        let groups = self.groups();
        let matching = groups
            .iter()
            .filter(|(code, _)| pattern.matches(code.as_str()));
        let sets: Vec<_> = matching
            .map(|(_, id)| self.set(&SetKey::Members(*id)))
            .collect();
        Arc::new(sets.iter().map(|set| &**set).union())
    }

    fn of_kind(&self, kind: ContactKind) -> Arc<ContactSet> {
        let companies = self.set(&SetKey::Companies);
        match kind {
            ContactKind::Company => companies,
            ContactKind::Person => Arc::new(&*self.set(&SetKey::Everyone) - &*companies),
        }
    }

    /// A company and its people. Returns `None` if the loaded sets do not have the company yet.
    async fn company(
        &mut self,
        id: &ContactId,
        operand: &Operand,
    ) -> Result<Option<Arc<ContactSet>>> {
        let contact = self.contact(id).await;
        let contact = contact.map_err(|error| error.at_operand(operand))?;
        if contact.kind == ContactKind::Person {
            let (id, position) = (id.clone(), operand.position);
            return Err(SelectionFault::NotACompany { id, position }.into());
        }
        let number = contact.contact_number.cast_unsigned();
        let companies = self.companies();
        if companies.of(number) != Some(number) {
            return Ok(None);
        }
        let everyone = self.set(&SetKey::Everyone);
        let of_company = everyone.iter().filter(|n| companies.of(*n) == Some(number));
        Ok(Some(Arc::new(of_company.collect())))
    }

    async fn contact(&mut self, id: &ContactId) -> Result<Contact> {
        let tenant_id = self.tenant_id;
        match &mut self.access {
            Access::Pool => {
                let find = async |conn: &mut _| lookup::contact(conn, tenant_id, id).await;
                self.domain.read(tenant_id, find).await
            }
            Access::Transaction(tx) => lookup::contact(tx, tenant_id, id).await,
        }
    }
}
