//! How operations read and write: on connections of the pool, and in transactions that hold the lock
//! of their tenant's revision counter.

mod replica;
mod write;

use std::{collections::HashMap, future::Future, sync::Arc};

use chrono::TimeDelta;
use tokio::time::Instant;

use super::{Error, Resource, Result, notifier::RevisionNotifier};
use crate::{
    fair_semaphore::FairPermit,
    model::{Commit, RequestId, Revision, TenantId, TenantName},
    store::{self, ALL_TENANTS, Connection, QueryError, SqlState, Store},
};

/// How long the record of a request with a `request_id` is kept.
pub(super) const ANSWERS_KEPT: TimeDelta = TimeDelta::days(7);

/// The result of a write, and the revision it made; if it changed nothing, the present one.
pub(crate) type Committed<T> = (T, Revision);

/// The tenant that a call works on, and the call's id in logs and in the history.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) tenant: TenantName,
    /// A request id, or several of a batch.
    pub(crate) request_id: String,
    /// Who calls, as the history names it; of a batch all of them, each on a line.
    pub(crate) actors: Arc<str>,
    /// When the call ends, if it does by itself.
    pub(crate) deadline: Option<Instant>,
    /// Whether it is a dry run: it answers as if it wrote, but nothing of it is kept.
    pub(crate) validate_only: bool,
}

/// Makes a request idempotent: repetitions are answered like the first call.
#[derive(Debug, Clone)]
pub(crate) struct IdempotencyKey {
    /// The caller's id of the request.
    pub id: RequestId,
    /// A digest of the content of the request.
    pub(crate) digest: [u8; 32],
}

/// What a tenant that does not exist is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownTenants {
    /// Empty, and created by its first write.
    #[default]
    Empty,
    /// An error.
    Refused,
}

/// Why the database cannot serve calls.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It does not answer.
    #[error("the database does not answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refuses writes, by a setting or because it is a standby.
    #[error("the database is read-only")]
    ReadOnly,
    /// Its tables cannot be read.
    #[error("the tables cannot be read")]
    Unreadable(#[source] QueryError),
}

impl From<QueryError> for NotReady {
    fn from(error: QueryError) -> Self {
        match store::is_transient(&error) {
            true => Self::Unreachable(error.into()),
            false => Self::Unreadable(error),
        }
    }
}

/// The store, and the notifier of watchers: all that an operation needs to read and write.
#[derive(Clone)]
pub struct Database {
    pub(super) store: Store,
    pub(super) unknown_tenants: UnknownTenants,
    pub(super) notifier: Arc<RevisionNotifier>,
}

impl Database {
    /// The number of the call's tenant, if it exists.
    pub(super) async fn tenant_id(&self, call: &Call) -> Result<Option<TenantId>> {
        match self.store.tenants().get(&call.tenant) {
            Some(id) => Ok(Some(id)),
            None => {
                let find = async |conn: &mut _| self.find_tenant(conn, &call.tenant).await;
                self.read(ALL_TENANTS, find).await
            }
        }
    }

    /// The number of a tenant, if it exists. A tenant that is being deleted is an error.
    pub(super) async fn find_tenant(
        &self,
        conn: &mut Connection,
        name: &TenantName,
    ) -> Result<Option<TenantId>> {
        let known = self.store.tenants();
        if let Some(id) = known.get(name) {
            return Ok(Some(id));
        }
        match store::tenants::find(conn, name).await? {
            Some(row) if !row.deleting => {
                known.insert(name, row.tenant_id);
                Ok(Some(row.tenant_id))
            }
            None if self.unknown_tenants == UnknownTenants::Empty => Ok(None),
            Some(_) | None => Err(Error::not_found(Resource::Tenant, name)),
        }
    }

    /// The numbers of the existing ones among these tenants.
    pub(super) async fn find_tenants<'n>(
        &self,
        conn: &mut Connection,
        names: impl Iterator<Item = &'n TenantName>,
    ) -> Result<HashMap<TenantName, TenantId>> {
        let known = self.store.tenants();
        let (mut found, mut unknown) = (HashMap::new(), Vec::new());
        for name in names {
            match known.get(name) {
                Some(id) => drop(found.insert(name.clone(), id)),
                None => unknown.push(name.clone()),
            }
        }
        if !unknown.is_empty() {
            for (name, id) in store::tenants::numbers(conn, unknown).await? {
                known.insert(&name, id);
                found.insert(name, id);
            }
        }
        Ok(found)
    }

    /// Whether the database can be read and written. If not, or not before the caller gives up, the
    /// idle connections are closed: they may be half-open, or have settings that have changed since.
    pub(super) async fn ready(&self) -> Result<(), NotReady> {
        let clear = ClearIdleOnDrop(&self.store);
        let mut connection = match self.store.health_connection().await {
            Ok(connection) => connection,
            Err(error) => return Err(NotReady::Unreachable(error.into())),
        };
        let health = store::health::check(&mut connection).await?;
        if health.is_read_only {
            return Err(NotReady::ReadOnly);
        }
        self.store.note_rows(health.rows);
        connection.return_to_pool();
        std::mem::forget(clear);
        Ok(())
    }

    /// Runs an operation that only reads.
    pub(super) async fn read<T>(
        &self,
        tenant_id: TenantId,
        op: impl AsyncFnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.store.connection(tenant_id).await?;
        let sqlstate = connection.sqlstate();
        let result = op(&mut connection).await;
        let result = result.map_err(|error| error.classified(&sqlstate));
        let clean_up = async { connection.return_to_pool() };
        self.finish(result, &sqlstate, clean_up).await
    }

    /// Runs an operation that only reads data of one tenant.
    pub(super) async fn read_of<T>(
        &self,
        call: &Call,
        op: impl AsyncFnOnce(&mut Connection, TenantId) -> Result<T>,
    ) -> Result<T> {
        self.read(self.known_tenant(call), async |conn| {
            let tenant_id = self.find_tenant(conn, &call.tenant).await?;
            op(conn, tenant_id.unwrap_or(0)).await
        })
        .await
    }

    /// As [`Self::read_via_replica_of`], for an operation that reads up to a page of resources: one tenant's pages
    /// do not take all processors.
    pub(super) async fn read_page_of<T>(
        &self,
        call: &Call,
        op: impl AsyncFnOnce(&mut Connection, TenantId) -> Result<T> + Clone,
    ) -> Result<T> {
        let _permit = self.page_permit(call).await;
        self.read_via_replica_of(call, op).await
    }

    /// Waits until the tenant may read another page.
    pub(super) async fn page_permit(&self, call: &Call) -> FairPermit {
        self.store.page_permit(self.known_tenant(call)).await
    }

    /// Runs a write whose single statement is a transaction by itself.
    pub(super) async fn write_at_once<T>(
        &self,
        tenant_id: TenantId,
        op: impl AsyncFnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let _permit = self.store.write_permit(tenant_id).await;
        self.read(tenant_id, op).await
    }

    /// The number of the call's tenant, if it is known without a query.
    fn known_tenant(&self, call: &Call) -> TenantId {
        let known = self.store.tenants().get(&call.tenant);
        known.unwrap_or(ALL_TENANTS)
    }

    /// Refuses a commit that was lost.
    pub(crate) async fn require_commit(&self, call: &Call, commit: Commit) -> Result<()> {
        let check = async |conn: &mut _, tenant_id| {
            Ok(store::log::contains(conn, tenant_id, commit).await?)
        };
        match self.read_of(call, check).await? {
            true => Ok(()),
            false => Err(Error::HistoryReplaced),
        }
    }

    /// Cleans up after an operation. If one connection is broken, and not that of Citus to a worker, the idle
    /// ones may be too; after an internal error, and when the program ends, the state of the connection is
    /// unknown, and it is closed.
    async fn finish<T>(
        &self,
        result: Result<T>,
        sqlstate: &SqlState,
        clean_up: impl Future<Output = ()>,
    ) -> Result<T> {
        let is_of_worker = self.store.writes_in_steps() && sqlstate.is_of_another_node();
        match result {
            Err(Error::Unavailable(_)) if !is_of_worker => self.store.clear_idle(),
            Err(Error::Internal(_) | Error::ShuttingDown) => {}
            _ => clean_up.await,
        }
        result
    }
}

/// Closes the idle connections when it is dropped.
struct ClearIdleOnDrop<'s>(&'s Store);

impl Drop for ClearIdleOnDrop<'_> {
    fn drop(&mut self) {
        self.0.clear_idle();
    }
}
