//! What may happen: operations, rules, transactions, and the error.

pub(crate) mod assignments;
mod batch;
mod batches;
mod cache;
pub mod contacts;
mod error;
pub(crate) mod export;
pub(crate) mod imports;
pub(crate) mod mailing_groups;
pub mod maintenance;
mod notifier;
pub(crate) mod segments;
pub(crate) mod selection;
pub(crate) mod watch;
mod write;

use std::{future::Future, sync::Arc};

use diesel_async::AsyncPgConnection;

pub use self::cache::SetCache;
use self::{batches::Batches, notifier::RevisionNotifier};
pub(crate) use self::{
    error::{Error, Precondition, Resource, Result, Violation},
    write::{Once, Written},
};
use crate::{
    model::{TenantId, TenantName},
    store::{self, Store, Transaction},
};

/// Everything the operations work with.
#[derive(Clone)]
pub struct Domain {
    store: Store,
    batches: Arc<Batches>,
    cache: Arc<SetCache>,
    notifier: Arc<RevisionNotifier>,
}

/// Whose data a call works on, and what the call is called in logs and in the history.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The tenant.
    pub(crate) tenant: TenantName,
    /// The call's name.
    pub(crate) request_id: String,
}

impl Domain {
    /// Operations on this database, with a memory for what selections read.
    pub fn new(store: Store, cache: SetCache) -> Self {
        let batches = Batches::new(store.max_connections());
        Self {
            notifier: Arc::new(RevisionNotifier::new(store.max_connections() / 4)),
            store,
            cache: Arc::new(cache),
            batches: Arc::new(batches),
        }
    }

    /// The leaves of selections.
    fn cache(&self) -> &SetCache {
        &self.cache
    }

    /// The number of the call's tenant, if it exists.
    async fn tenant_id(&self, call: &Call) -> Result<Option<TenantId>> {
        match self.store.tenants().get(&call.tenant) {
            Some(id) => Ok(Some(id)),
            None => {
                self.read(async |conn| self.find_tenant(conn, &call.tenant).await)
                    .await
            }
        }
    }

    /// Whether the database answers. If it does not, or not before the caller gives up, the idle
    /// connections to it are forgotten: they may be dead without anybody having been told.
    pub async fn is_ready(&self) -> bool {
        let unanswered = Unanswered(&self.store);
        let ready = self.ping().await.is_ok();
        if ready {
            std::mem::forget(unanswered);
        }
        ready
    }

    async fn ping(&self) -> Result<()> {
        let mut connection = self.store.health_connection().await?;
        store::log::revision(&mut connection, 0).await?;
        connection.return_to_pool();
        Ok(())
    }

    /// Runs an operation that only reads, or whose one statement is a transaction by itself.
    async fn read<T>(
        &self,
        op: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.store.connection().await?;
        let outcome = op(&mut connection).await;
        self.finish(outcome, async { connection.return_to_pool() })
            .await
    }

    /// Runs an operation that only reads data of one tenant.
    async fn read_of<T>(
        &self,
        call: &Call,
        op: impl AsyncFnOnce(&mut AsyncPgConnection, TenantId) -> Result<T>,
    ) -> Result<T> {
        self.read(async |conn| {
            let tenant_id = self.find_tenant(conn, &call.tenant).await?;
            op(conn, tenant_id.unwrap_or(0)).await
        })
        .await
    }

    /// Tidies up after an operation. When the database is gone, its other connections are too;
    /// after a fault nobody knows in which state the connection is, and it is closed.
    async fn finish<T>(&self, outcome: Result<T>, tidy: impl Future<Output = ()>) -> Result<T> {
        match outcome {
            Err(Error::Unavailable(_)) => self.store.clear_idle(),
            Err(Error::Internal(_)) => {}
            _ => tidy.await,
        }
        outcome
    }

    async fn find_tenant(
        &self,
        conn: &mut AsyncPgConnection,
        name: &TenantName,
    ) -> Result<Option<TenantId>> {
        let known = self.store.tenants();
        if let Some(id) = known.get(name) {
            return Ok(Some(id));
        }
        let found = store::tenants::find(conn, name).await?;
        if let Some(id) = found {
            known.insert(name, id);
        }
        Ok(found)
    }

    /// Begins a write of a tenant; its first one brings the tenant into being.
    async fn begin(&self, name: &TenantName) -> Result<Transaction> {
        let mut connection = self.store.connection().await?;
        let begun = match self.find_tenant(&mut connection, name).await? {
            Some(tenant_id) => Transaction::begin(connection, tenant_id).await,
            None => Transaction::begin_first(connection, name).await,
        };
        Ok(begun?)
    }
}

/// Forgets the idle connections when it is dropped.
struct Unanswered<'s>(&'s Store);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.0.clear_idle();
    }
}
