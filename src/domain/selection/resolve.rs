//! From the operands of an expression to the leaves they stand for.

use std::sync::Arc;

use roaring::MultiOps;

use super::set_reader::{Access, SetReader};
use crate::{
    domain::{Error, Resource, Result, Violation, cache::SetKey, lookup},
    model::{
        Code, Contact, ContactId, ContactKind, ContactSet, Expression, SegmentId,
        expression::{Operand, Pattern, Term},
    },
    store,
};

impl SetReader<'_> {
    /// Gathers what the operands need, as far as it is known before the leaves are up to date.
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

    /// The sets of all operands but `*`, in order, once all leaves are at one revision. `None`
    /// if that made a leaf necessary that is not there yet. A name that means nothing is an
    /// error that says where it stands.
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
                Term::Segment(id) => {
                    let missing = |_| missing(Resource::Segment, id.as_str(), operand);
                    self.segment(id).map_err(missing)?
                }
            });
        }
        Ok(Some(sets))
    }

    /// The contacts on a segment, as far as they still exist.
    pub(super) fn segment(&self, id: &SegmentId) -> Result<Arc<ContactSet>> {
        if let Some((draft, members)) = &self.draft_segment
            && draft == id
        {
            return Ok(Arc::clone(members));
        }
        let key = SetKey::Segment(id.clone());
        if !self.exists(&key) {
            return Err(Error::not_found(Resource::Segment, id));
        }
        let (stored, everyone) = (self.set(&key), self.set(&SetKey::Everyone));
        match stored.is_subset(&everyone) {
            true => Ok(stored),
            false => Ok(Arc::new(&*stored & &*everyone)),
        }
    }

    /// The leaves of the groups that an expression names, as far as there are such groups.
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
                self.domain.read(look).await.unwrap_or_else(|error| error)
            }
            Access::Transaction(tx) => lookup::unknown_group(tx, tenant_id, code).await,
        };
        match error {
            Error::NotFound {
                resource,
                name,
                renamed_to,
                ..
            } => {
                let violation = Some(violation(resource, &name, operand));
                Error::NotFound {
                    resource,
                    name,
                    renamed_to,
                    violation,
                }
            }
            other => other,
        }
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

    /// A company and its people; `None` if the company is not in the leaves yet.
    async fn company(
        &mut self,
        id: &ContactId,
        operand: &Operand,
    ) -> Result<Option<Arc<ContactSet>>> {
        let contact = self.contact(id).await?;
        let contact = contact.ok_or_else(|| missing(Resource::Contact, id.as_str(), operand))?;
        if contact.kind == ContactKind::Person {
            let reason = format!(
                "at position {}: contact {id} is not a company",
                operand.position
            );
            return Err(Error::invalid("expression", reason));
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

    async fn contact(&mut self, id: &ContactId) -> Result<Option<Contact>> {
        let tenant_id = self.tenant_id;
        match &mut self.access {
            Access::Pool => {
                let find =
                    async |conn: &mut _| Ok(store::contacts::find(conn, tenant_id, id).await?);
                self.domain.read(find).await
            }
            Access::Transaction(tx) => Ok(store::contacts::find(tx, tenant_id, id).await?),
        }
    }
}

fn missing(resource: Resource, name: &str, operand: &Operand) -> Error {
    Error::NotFound {
        resource,
        name: name.to_owned(),
        renamed_to: None,
        violation: Some(violation(resource, name, operand)),
    }
}

fn violation(resource: Resource, name: &str, operand: &Operand) -> Violation {
    Violation {
        field: "expression".to_owned(),
        reason: format!(
            "at position {}: there is no {resource} {name}",
            operand.position
        ),
    }
}
