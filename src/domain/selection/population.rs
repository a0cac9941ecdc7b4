//! All contacts of a tenant, and the members of one group.

use std::sync::Arc;

use super::{
    MAX_ATTEMPTS,
    set_reader::{Access, SetReader},
};
use crate::{
    domain::{Call, Domain, Error, Result, cache::SetKey},
    model::ContactSet,
    store::Transaction,
};

/// All contacts of a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Population {
    /// Contacts, companies included.
    pub(crate) everyone: Arc<ContactSet>,
    /// Companies only.
    pub(crate) companies: Arc<ContactSet>,
}

/// Reads all contacts at a revision that is not older than the call.
pub(in crate::domain) async fn population(domain: &Domain, call: &Call) -> Result<Population> {
    let tenant_id = domain.tenant_id(call).await?.unwrap_or(0);
    SetReader::new(domain, tenant_id, Access::Pool(&call.tenant))
        .population()
        .await
}

/// Reads all contacts within a transaction that has not written yet.
pub(in crate::domain) async fn population_in(
    domain: &Domain,
    tx: &mut Transaction,
) -> Result<Population> {
    let tenant_id = tx.tenant_id();
    SetReader::new(domain, tenant_id, Access::Transaction(tx))
        .population()
        .await
}

/// Reads the members of a group within a transaction that has not written yet.
pub(in crate::domain) async fn members_in(
    domain: &Domain,
    tx: &mut Transaction,
    group_id: i32,
) -> Result<Arc<ContactSet>> {
    let (tenant_id, key) = (tx.tenant_id(), SetKey::Members(group_id));
    let mut reader = SetReader::new(domain, tenant_id, Access::Transaction(tx));
    for _ in 0..MAX_ATTEMPTS {
        reader.load(key.clone()).await?;
        if reader.catch_up().await?.is_some() {
            return Ok(reader.sets.set(&key));
        }
    }
    Err(Error::Contended)
}

impl SetReader<'_> {
    async fn population(&mut self) -> Result<Population> {
        for _ in 0..MAX_ATTEMPTS {
            self.load(SetKey::Everyone).await?;
            self.load(SetKey::Companies).await?;
            if self.catch_up().await?.is_some() {
                return Ok(Population {
                    everyone: self.sets.set(&SetKey::Everyone),
                    companies: self.sets.set(&SetKey::Companies),
                });
            }
        }
        Err(Error::Contended)
    }
}
