//! Writes in transactions. If the connection breaks after COMMIT was sent, finds out what happened: the id
//! of the commit is in the log or not.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    domain::{
        Call, Error, Resource, Result,
        database::{Committed, Database},
    },
    model::{Revision, TenantId, TenantName},
    store::{self, ALL_TENANTS, PooledConnection, QueryError, Transaction, log::Origin},
};

/// How long before its deadline a call gives up finding out whether it was committed.
const OUTCOME_MARGIN: Duration = Duration::from_millis(100);

/// How long a call without a deadline tries to find out whether it was committed.
const MAX_OUTCOME_WAIT: Duration = Duration::from_secs(30);

/// Delay between two tries.
const OUTCOME_RETRY: Duration = Duration::from_millis(50);

impl Database {
    /// Runs an operation in a transaction that holds the lock of the tenant's revision counter.
    pub(in crate::domain) async fn write<T>(
        &self,
        call: &Call,
        op: impl AsyncFnOnce(&mut Transaction) -> Result<T>,
    ) -> Result<Committed<T>> {
        let tenant_id = self.known_tenant(call);
        let _permit = self.store.write_permit(tenant_id).await;
        let connection = self.store.connection(tenant_id).await?;
        let sqlstate = connection.sqlstate();
        let result = self.write_on(connection, call, op).await;
        self.finish(result, &sqlstate, async {}).await
    }

    async fn write_on<T>(
        &self,
        connection: PooledConnection,
        call: &Call,
        op: impl AsyncFnOnce(&mut Transaction) -> Result<T>,
    ) -> Result<Committed<T>> {
        let mut tx = self.begin(connection, &call.tenant).await?;
        let sqlstate = tx.sqlstate();
        let result = match op(&mut tx).await {
            Ok(value) => {
                if call.validate_only {
                    tx.discard();
                }
                let committed = self.commit(call, tx).await;
                committed.map(|revision| (value, revision))
            }
            Err(error) => {
                // If this fails, the connection is closed, which rolls back too.
                let _ = tx.rollback().await;
                Err(error)
            }
        };
        result.map_err(|error| error.classified(&sqlstate))
    }

    /// Begins a write of a tenant; its first one creates the tenant.
    async fn begin(
        &self,
        mut connection: PooledConnection,
        name: &TenantName,
    ) -> Result<Transaction> {
        loop {
            let sqlstate = connection.sqlstate();
            let begun = self.try_begin(connection, name).await;
            if let Some(tx) = begun.map_err(|error| error.classified(&sqlstate))? {
                return Ok(tx);
            }
            connection = self.store.connection(ALL_TENANTS).await?;
        }
    }

    /// `None` if the tenant that had the name is deleted.
    async fn try_begin(
        &self,
        mut connection: PooledConnection,
        name: &TenantName,
    ) -> Result<Option<Transaction>> {
        let Some(tenant_id) = self.find_tenant(&mut connection, name).await? else {
            return match Transaction::begin_first(connection, name).await {
                Err(QueryError::NotFound) => Err(Error::not_found(Resource::Tenant, name)),
                begun => Ok(Some(begun?)),
            };
        };
        match Transaction::begin(connection, tenant_id).await {
            Err(QueryError::NotFound) => {
                self.store.tenants().remove(name);
                Ok(None)
            }
            begun => Ok(Some(begun?)),
        }
    }

    /// Commits and returns the tenant's revision. If the answer to COMMIT is lost, finds out what it
    /// was.
    pub(super) async fn commit(&self, call: &Call, mut tx: Transaction) -> Result<Revision> {
        let unchanged = tx.revision_after();
        let origin = Origin {
            request_id: &call.request_id,
            actors: &call.actors,
        };
        let logged = match tx.write_log(origin).await {
            Ok(logged) => logged,
            Err(error) => {
                // If this fails, the connection is closed, which rolls back too.
                let _ = tx.rollback().await;
                return Err(error.into());
            }
        };
        let Some(commit) = logged else {
            tx.end().await?;
            return Ok(unchanged);
        };
        let tenant_id = tx.tenant_id();
        if let Err(error) = tx.end().await
            && self
                .find_commit(call, tenant_id, commit.id)
                .await?
                .is_none()
        {
            return Err(error.into());
        }
        self.notifier.notify(&call.tenant, commit);
        Ok(commit.revision)
    }

    /// The revision that a commit made whose answer was lost; `None` if it did not take place.
    pub(in crate::domain) async fn find_commit(
        &self,
        call: &Call,
        tenant_id: TenantId,
        commit_id: i64,
    ) -> Result<Option<Revision>> {
        self.store.clear_idle();
        let until = match call.deadline {
            Some(deadline) => deadline - OUTCOME_MARGIN,
            None => Instant::now() + MAX_OUTCOME_WAIT,
        };
        let search = async {
            loop {
                match self.try_find_commit(tenant_id, commit_id).await {
                    Err(Error::Unavailable(_)) => tokio::time::sleep(OUTCOME_RETRY).await,
                    found => return found,
                }
            }
        };
        let found = tokio::time::timeout_at(until, search).await;
        found.unwrap_or(Err(Error::CommitOutcomeUnknown { repeatable: false }))
    }

    /// Waits for the tenant's lock, which the transaction holds until its connection has ended.
    async fn try_find_commit(
        &self,
        tenant_id: TenantId,
        commit_id: i64,
    ) -> Result<Option<Revision>> {
        let connection = self.store.connection(tenant_id).await?;
        let sqlstate = connection.sqlstate();
        let find = async {
            let mut tx = match Transaction::begin(connection, tenant_id).await {
                // Its first transaction, which creates it, did not take place.
                Err(QueryError::NotFound) => return Ok(None),
                tx => tx?,
            };
            let found = store::log::revision_of(&mut tx, tenant_id, commit_id).await?;
            tx.rollback().await?;
            Ok(found)
        };
        let found: Result<_> = find.await;
        found.map_err(|error| error.classified(&sqlstate))
    }
}
