//! Large reads, which a standby may answer as the primary would.
//!
//! The primary says which commit of the tenant it shows after the call began. The standby answers only if
//! it shows that commit too, so nothing is older than the call or than any earlier answer. It may show later
//! commits: a standby can replay a commit a moment before the primary shows it, and the next read at the
//! primary would be older. So the last commit that the read can have seen is looked for at the primary.
//! Commits have random ids: what lies between those two is the same at both.

use super::Database;
use crate::{
    domain::{Call, Error, Result},
    model::{Commit, TenantId},
    store::{self, Connection, Fallback, Replica},
};

impl Database {
    /// As [`Self::read`], for what is worth a few more statements. All that is read must belong to the
    /// tenant's revisions. The operation is done again at the primary if the standby cannot answer.
    pub(in crate::domain) async fn read_via_replica<T>(
        &self,
        tenant_id: TenantId,
        op: impl AsyncFnOnce(&mut Connection) -> Result<T> + Clone,
    ) -> Result<T> {
        if let Some(replica) = self.store.replica()
            && let Some(answer) = self.read_replica(replica, tenant_id, op.clone()).await?
        {
            return answer;
        }
        self.read(tenant_id, op).await
    }

    /// As [`Self::read_of`], in the way of [`Self::read_via_replica`].
    pub(in crate::domain) async fn read_via_replica_of<T>(
        &self,
        call: &Call,
        op: impl AsyncFnOnce(&mut Connection, TenantId) -> Result<T> + Clone,
    ) -> Result<T> {
        if let Some(replica) = self.store.replica()
            && let Some(tenant_id) = self.tenant_id(call).await?
        {
            let again = op.clone();
            let read = async |conn: &mut _| again(conn, tenant_id).await;
            if let Some(answer) = self.read_replica(replica, tenant_id, read).await? {
                return answer;
            }
        }
        self.read_of(call, op).await
    }

    /// The answer of the standby; `None` if the primary has to answer.
    async fn read_replica<T>(
        &self,
        replica: &Replica,
        tenant_id: TenantId,
        op: impl AsyncFnOnce(&mut Connection) -> Result<T>,
    ) -> Result<Option<Result<T>>> {
        if !replica.is_used() {
            replica.count(Err(Fallback::LeftOut));
            return Ok(None);
        }
        let look = async |conn: &mut _| Ok(store::log::bounds(conn, tenant_id).await?.0);
        let shown = self.read(tenant_id, look).await?;
        let mut answer = read_at(replica, tenant_id, shown, op).await;
        if let Ok((_, seen)) = &answer
            && *seen != shown
            && !self.shows(tenant_id, *seen).await?
        {
            answer = Err(Fallback::Ahead);
        }
        replica.count(answer.as_ref().map(drop).map_err(|fallback| *fallback));
        Ok(answer.ok().map(|(answer, _)| answer))
    }

    /// Whether the primary shows a commit.
    async fn shows(&self, tenant_id: TenantId, commit: Commit) -> Result<bool> {
        let revision = commit.revision;
        let find = async |conn: &mut _| {
            Ok(store::log::commit_of(conn, tenant_id, revision).await? == Some(commit))
        };
        self.read(tenant_id, find).await
    }
}

/// An answer of the standby, and the last commit that it can have seen. It shows `shown`, which is the
/// present commit of the primary.
async fn read_at<T>(
    replica: &Replica,
    tenant_id: TenantId,
    shown: Commit,
    op: impl AsyncFnOnce(&mut Connection) -> Result<T>,
) -> Result<(Result<T>, Commit), Fallback> {
    // Such a commit was made before commits had ids.
    if shown.id == 0 {
        return Err(Fallback::Behind);
    }
    let mut connection = replica.connection(tenant_id, shown).await?;
    match op(&mut connection).await {
        Err(error @ (Error::Unavailable(_) | Error::DatabaseFull(_) | Error::Internal(_))) => {
            Err(connection.fail(&error))
        }
        answer => Ok((answer, connection.finish().await?)),
    }
}
