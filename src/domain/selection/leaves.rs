//! The sets that an expression is made of.

use std::{collections::HashMap, sync::Arc};

use diesel_async::AsyncPgConnection;

use crate::{
    domain::{Error, Resource, Result, Violation, mailing_groups},
    model::{
        Code, ContactId, ContactKind, ContactSet, Expression, SelectionOptions, TenantId,
        expression::{Operand, Pattern, Term},
    },
    store,
};

/// The leaves of one evaluation, read within one transaction.
pub(super) struct Leaves<'c> {
    conn: &'c mut AsyncPgConnection,
    tenant_id: TenantId,
    loaded: HashMap<Term, Arc<ContactSet>>,
}

impl<'c> Leaves<'c> {
    pub(super) fn new(conn: &'c mut AsyncPgConnection, tenant_id: TenantId) -> Leaves<'c> {
        Leaves {
            conn,
            tenant_id,
            loaded: HashMap::new(),
        }
    }

    /// Reads all leaves of an expression, each once. A name that means nothing is an error that
    /// says where it stands.
    pub(super) async fn load(&mut self, expression: &Expression) -> Result<()> {
        for operand in expression.operands() {
            if !self.loaded.contains_key(&operand.term) {
                let set = self.read(operand).await?;
                self.loaded.insert(operand.term.clone(), Arc::new(set));
            }
        }
        Ok(())
    }

    /// A leaf that was read.
    pub(super) fn get(&self, operand: &Operand) -> Arc<ContactSet> {
        self.loaded.get(&operand.term).cloned().unwrap_or_default()
    }

    pub(super) async fn everyone(&mut self) -> Result<Arc<ContactSet>> {
        Ok(Arc::new(
            store::selection::everyone(self.conn, self.tenant_id).await?,
        ))
    }

    pub(super) async fn companies(&mut self) -> Result<ContactSet> {
        Ok(store::selection::of_kind(self.conn, self.tenant_id, ContactKind::Company).await?)
    }

    pub(super) async fn excluded(&mut self) -> Result<ContactSet> {
        Ok(store::selection::excluded(self.conn, self.tenant_id).await?)
    }

    pub(super) async fn privacy_blocked(&mut self) -> Result<ContactSet> {
        Ok(store::selection::privacy_blocked(self.conn, self.tenant_id).await?)
    }

    /// Goes from matches to the companies and people that the options reach for.
    pub(super) async fn reach(
        &mut self,
        matches: Arc<ContactSet>,
        options: SelectionOptions,
    ) -> Result<Arc<ContactSet>> {
        if !options.expand_companies && !options.include_related_companies {
            return Ok(matches);
        }
        let related = store::selection::companies_of(self.conn, self.tenant_id, &matches).await?;
        let mut reached = &*matches | &related;
        if options.expand_companies {
            let companies = &reached & &self.companies().await?;
            reached |= store::selection::people_of(self.conn, self.tenant_id, &companies).await?;
        }
        Ok(Arc::new(reached))
    }

    async fn read(&mut self, operand: &Operand) -> Result<ContactSet> {
        match &operand.term {
            Term::Code(code) => self.group(code, operand).await,
            Term::Pattern(pattern) => self.groups(pattern).await,
            Term::Everyone => Ok(ContactSet::new()),
            Term::Kind(kind) => {
                Ok(store::selection::of_kind(self.conn, self.tenant_id, *kind).await?)
            }
            Term::Company(id) => self.company(id, operand).await,
            Term::Segment(id) => Err(missing(Resource::Segment, id.as_str(), operand)),
        }
    }

    async fn group(&mut self, code: &Code, operand: &Operand) -> Result<ContactSet> {
        let group = mailing_groups::existing(self.conn, self.tenant_id, code).await;
        let group = group.map_err(|error| match error {
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
        })?;
        Ok(store::selection::members(self.conn, self.tenant_id, vec![group.group_id]).await?)
    }

    async fn groups(&mut self, pattern: &Pattern) -> Result<ContactSet> {
        let like = pattern.like();
        let ids = store::selection::group_ids_like(self.conn, self.tenant_id, &like).await?;
        Ok(store::selection::members(self.conn, self.tenant_id, ids).await?)
    }

    async fn company(&mut self, id: &ContactId, operand: &Operand) -> Result<ContactSet> {
        match store::contacts::find(self.conn, self.tenant_id, id).await? {
            None => Err(missing(Resource::Contact, id.as_str(), operand)),
            Some(contact) if contact.kind == ContactKind::Person => Err(Error::invalid(
                "expression",
                format!(
                    "at position {}: contact {id} is not a company",
                    operand.position
                ),
            )),
            Some(_) => Ok(store::selection::company(self.conn, self.tenant_id, id).await?),
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
