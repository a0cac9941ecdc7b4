//! Operations on tenants. Their calls name the tenant that they are about.

use super::{Call, Domain, Error, IdempotencyKey, Resource, Result, UnknownTenants};
use crate::{
    model::{
        GrantedTenants, PageSize, RatedTenant, Tenant, TenantCounts, TenantLimits, TenantName,
    },
    store::{self, ALL_TENANTS},
};

/// Creates an empty tenant.
pub(crate) async fn create(
    domain: &Domain,
    call: &Call,
    limits: TenantLimits,
    key: Option<IdempotencyKey>,
) -> Result<Tenant> {
    let creating = domain.clone().with_unknown_tenants(UnknownTenants::Empty);
    creating
        .write_once(call, key, async |tx| match tx.creates_tenant() {
            true => {
                store::tenants::set_limits(tx, limits).await?;
                Ok(())
            }
            false => Err(Error::AlreadyExists {
                resource: Resource::Tenant,
                name: call.tenant.to_string(),
            }),
        })
        .await?;
    get(domain, call).await
}

/// Reads the call's tenant.
pub(crate) async fn get(domain: &Domain, call: &Call) -> Result<Tenant> {
    let found = domain
        .read(ALL_TENANTS, async |conn| {
            Ok(store::tenants::get(conn, &call.tenant).await?)
        })
        .await?;
    found.ok_or_else(|| unknown(call))
}

/// Lists the granted tenants by name, after `after`, whose names start with `prefix`. Returns whether more
/// follow.
pub(crate) async fn list(
    domain: &Domain,
    granted: &GrantedTenants,
    prefix: &str,
    after: Option<&TenantName>,
    size: PageSize,
) -> Result<(Vec<Tenant>, bool)> {
    domain
        .read(ALL_TENANTS, async |conn| {
            Ok(store::tenants::page(conn, granted, prefix, after, size).await?)
        })
        .await
}

/// The tenants with limits that servers apply.
pub(crate) async fn rated(domain: &Domain) -> Result<Vec<RatedTenant>> {
    domain
        .read(ALL_TENANTS, async |conn| {
            Ok(store::tenants::rated(conn).await?)
        })
        .await
}

/// Changes the limits of the call's tenant.
pub(crate) async fn update(
    domain: &Domain,
    call: &Call,
    change: impl FnOnce(TenantLimits) -> TenantLimits,
    etag: Option<&str>,
    key: Option<IdempotencyKey>,
) -> Result<Tenant> {
    let existing = domain.clone().with_unknown_tenants(UnknownTenants::Refused);
    existing
        .write_once(call, key, async |tx| {
            let tenant = store::tenants::get(tx, &call.tenant).await?;
            let tenant = tenant.ok_or_else(|| unknown(call))?;
            if etag.is_some_and(|etag| etag != tenant.etag()) {
                return Err(Error::stale(Resource::Tenant, &call.tenant));
            }
            store::tenants::set_limits(tx, change(tenant.limits)).await?;
            Ok(())
        })
        .await?;
    get(domain, call).await
}

/// What a deletion of the call's tenant deletes.
pub(crate) async fn validate_delete(domain: &Domain, call: &Call) -> Result<TenantCounts> {
    match find_deletion(domain, call, None).await? {
        Some(deletion) => Ok(deletion.counts),
        None => Ok(get(domain, call).await?.counts),
    }
}

/// Deletes the call's tenant, or what an earlier call left of it. Returns what it had.
pub(crate) async fn delete(
    domain: &Domain,
    call: &Call,
    key: Option<IdempotencyKey>,
) -> Result<TenantCounts> {
    let deletion = match find_deletion(domain, call, key.as_ref()).await? {
        Some(begun) => begun,
        None => begin_deletion(domain, call, key.as_ref()).await?,
    };
    // Only now: what is read from here on is that it is being deleted.
    domain.store.tenants().remove(&call.tenant);
    let deleted = domain.read(ALL_TENANTS, async |conn| Ok(deletion.run(conn).await?));
    deleted.await?;
    Ok(deletion.counts)
}

/// The deletion that is in progress, or was begun by the same request.
async fn find_deletion(
    domain: &Domain,
    call: &Call,
    key: Option<&IdempotencyKey>,
) -> Result<Option<store::tenants::TenantDeletion>> {
    let id = key.map(|key| &key.id);
    let find =
        async |conn: &mut _| Ok(store::tenants::find_deletion(conn, &call.tenant, id).await?);
    domain.read(ALL_TENANTS, find).await
}

async fn begin_deletion(
    domain: &Domain,
    call: &Call,
    key: Option<&IdempotencyKey>,
) -> Result<store::tenants::TenantDeletion> {
    let existing = domain.clone().with_unknown_tenants(UnknownTenants::Refused);
    let id = key.map(|key| &key.id);
    let begun = existing
        .write(call, async |tx| Ok(store::tenants::begin(tx, id).await?))
        .await;
    match begun {
        Ok((deletion, _)) => Ok(deletion),
        // Perhaps another call was first.
        Err(error @ Error::NotFound { .. }) => find_deletion(domain, call, key).await?.ok_or(error),
        Err(error) => Err(error),
    }
}

fn unknown(call: &Call) -> Error {
    Error::not_found(Resource::Tenant, &call.tenant)
}
