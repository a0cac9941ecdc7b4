//! Who makes a call, and for which tenant.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};
use tonic::{Extensions, Status};

use super::{
    field::{Field, single_value},
    status::{denied, internal},
};
use crate::{
    domain::Violation,
    model::{AccessLevel, GrantedTenants, Principal, PrincipalKind, TenantName},
    pb::{self, ErrorReason},
};

/// The metadata key that names the tenant.
pub(super) const TENANT: &str = "x-tenant";

/// The tenant of an anonymous call that names none.
pub(super) const DEFAULT_TENANT: &str = "default";

/// Who makes a call, and for which tenant: an extension of every request.
#[derive(Clone)]
pub(crate) struct Caller {
    principal: Arc<Principal>,
    tenant: Option<TenantName>,
}

impl Caller {
    /// For a call that is about no tenant, or about one that its message names.
    pub(crate) fn new(principal: Arc<Principal>) -> Self {
        Self {
            principal,
            tenant: None,
        }
    }

    /// For a call in the tenant that the metadata names, or the only one that it can be.
    pub(crate) fn in_tenant(
        principal: Arc<Principal>,
        access: AccessLevel,
        headers: &HeaderMap,
    ) -> Result<Self, Status> {
        let caller = Self::new(principal);
        caller.require_access(access)?;
        let tenant = match named_tenant(headers)? {
            Some(tenant) => tenant,
            None => caller.only_tenant()?,
        };
        caller.require_tenant(&tenant)?;
        Ok(Self {
            tenant: Some(tenant),
            ..caller
        })
    }

    /// The same call by this principal, if the tenant is granted to it.
    pub(crate) fn with(&self, principal: Arc<Principal>) -> Result<Self, Status> {
        let caller = Self {
            principal,
            tenant: self.tenant.clone(),
        };
        let tenant = caller.tenant.as_ref();
        tenant.map_or(Ok(()), |it| caller.require_tenant(it))?;
        Ok(caller)
    }

    /// The caller of this request.
    pub(super) fn of(extensions: &Extensions) -> Result<&Self, Status> {
        extensions.get().ok_or_else(internal)
    }

    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The caller's name, as the history has it.
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.principal.name)
    }

    /// The tenant of a call that is in one.
    pub(super) fn tenant(&self) -> Result<TenantName, Status> {
        self.tenant.clone().ok_or_else(internal)
    }

    /// By whose share the call counts.
    pub(crate) fn share(&self) -> Arc<str> {
        match &self.tenant {
            Some(tenant) => Arc::from(tenant.as_str()),
            // No tenant has such a name.
            None => Arc::from(format!("@{}", self.principal.name)),
        }
    }

    /// Refuses a call that needs more access.
    pub(crate) fn require_access(&self, access: AccessLevel) -> Result<(), Status> {
        let (required, own) = (access.name(), self.principal.access.name());
        match self.principal.access >= access {
            true => Ok(()),
            false => Err(denied(
                ErrorReason::AccessDenied,
                format!("the call needs the access {required}; the caller has {own}"),
                ("required", required.to_owned()),
            )),
        }
    }

    /// Refuses a call about another tenant than those granted, whether it exists or not.
    pub(super) fn require_tenant(&self, tenant: &TenantName) -> Result<(), Status> {
        match self.principal.tenants.contains(tenant) {
            true => Ok(()),
            false => Err(denied(
                ErrorReason::TenantNotGranted,
                format!("the caller may not use the tenant {tenant}"),
                ("tenant", tenant.to_string()),
            )),
        }
    }

    /// The tenant of a call that names none.
    fn only_tenant(&self) -> Result<TenantName, Violation> {
        let principal = &self.principal;
        match (principal.kind, principal.tenants.single()) {
            (PrincipalKind::Anonymous, _) => DEFAULT_TENANT.parse().field(TENANT),
            (_, Some(tenant)) => Ok(tenant.clone()),
            (_, None) => Err("must name one of the tenants that the caller may use").field(TENANT),
        }
    }
}

/// The value of `authorization`.
pub(crate) fn authorization(headers: &HeaderMap) -> Result<Option<&[u8]>, Status> {
    let name = header::AUTHORIZATION;
    single_value(headers.get_all(&name).iter().count()).field(name.as_str())?;
    Ok(headers.get(&name).map(HeaderValue::as_bytes))
}

/// The tenant that the metadata names.
fn named_tenant(headers: &HeaderMap) -> Result<Option<TenantName>, Violation> {
    single_value(headers.get_all(TENANT).iter().count()).field(TENANT)?;
    let Some(value) = headers.get(TENANT) else {
        return Ok(None);
    };
    let name = value.to_str().map_err(|_| "must be ASCII text");
    name.field(TENANT)?.parse().map(Some).field(TENANT)
}

/// The access that an RPC needs, from its option; `None` if it has none.
pub(crate) fn required_access(option: pb::Access) -> Option<AccessLevel> {
    match option {
        pb::Access::Unspecified => None,
        pb::Access::Read => Some(AccessLevel::Reader),
        pb::Access::Assign => Some(AccessLevel::Assigner),
        pb::Access::Define => Some(AccessLevel::Definer),
        pb::Access::Admin => Some(AccessLevel::Admin),
    }
}

impl From<AccessLevel> for pb::Access {
    fn from(access: AccessLevel) -> Self {
        match access {
            AccessLevel::Reader => Self::Read,
            AccessLevel::Assigner => Self::Assign,
            AccessLevel::Definer => Self::Define,
            AccessLevel::Admin => Self::Admin,
        }
    }
}

impl From<PrincipalKind> for pb::PrincipalKind {
    fn from(kind: PrincipalKind) -> Self {
        match kind {
            PrincipalKind::Anonymous => Self::Anonymous,
            PrincipalKind::Token => Self::Token,
            PrincipalKind::ApiKey => Self::ApiKey,
            PrincipalKind::ClientCertificate => Self::ClientCertificate,
        }
    }
}

/// The callers of a revision, which the history keeps each on a line.
pub(super) fn actors(names: &str) -> Vec<String> {
    names.lines().map(str::to_owned).collect()
}

/// The names; `*` for all.
pub(super) fn names(tenants: &GrantedTenants) -> Vec<String> {
    match tenants {
        GrantedTenants::All => vec!["*".to_owned()],
        GrantedTenants::Named(names) => names.iter().map(ToString::to_string).collect(),
    }
}
