//! Who calls, and whether they may: before a call takes anything of a tenant's share.

use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::watch;
use tonic::Status;

use super::{
    methods::{AccessRule, KnownMethod, MethodClass},
    tls::PeerCertificates,
};
use crate::{
    api::{
        caller::{Caller, authorization},
        status::{no_keys, unauthenticated},
    },
    auth::{Authenticator, Credentials, Rejection},
    model::Principal,
    pb::ErrorReason,
};

/// The caller, if it may make this call, and how to see whether it may go on with a stream.
pub(super) async fn authenticate(
    authenticator: &Authenticator,
    method: &KnownMethod,
    headers: &HeaderMap,
    peer: Option<PeerCertificates>,
) -> (Result<Caller, Status>, Option<Recheck>) {
    let is_checked = method.class != MethodClass::Unary && method.access_rule != AccessRule::Open;
    // Before the rules are read, so that no change of them is missed.
    let changes = is_checked.then(|| authenticator.changes()).flatten();
    let caller = caller(authenticator, method.access_rule, headers, peer.as_ref()).await;
    let recheck = changes.zip(caller.as_ref().ok());
    let recheck = recheck.map(|(changes, caller)| Recheck {
        authenticator: authenticator.clone(),
        access_rule: method.access_rule,
        headers: headers.clone(),
        peer,
        caller: caller.clone(),
        changes,
    });
    (caller, recheck)
}

/// Checks the caller of a stream again when its credentials expire and when the rules change.
pub(super) struct Recheck {
    authenticator: Authenticator,
    access_rule: AccessRule,
    headers: HeaderMap,
    peer: Option<PeerCertificates>,
    caller: Caller,
    changes: watch::Receiver<()>,
}

impl Recheck {
    /// Waits until the caller would be refused.
    pub(super) async fn refused(&self) -> Status {
        let (mut known, mut changes) = (self.caller.clone(), self.changes.clone());
        loop {
            Authenticator::may_refuse(known.principal(), &mut changes).await;
            match self.again(&known).await {
                Ok(caller) => known = caller,
                Err(status) => return status,
            }
        }
    }

    async fn again(&self, known: &Caller) -> Result<Caller, Status> {
        let (headers, peer) = (&self.headers, self.peer.as_ref());
        let caller = known.with(principal(&self.authenticator, headers, peer).await?)?;
        match self.access_rule {
            AccessRule::Open | AccessRule::Authenticated => {}
            AccessRule::Tenant(access) | AccessRule::NamedTenant(access) => {
                caller.require_access(access)?;
            }
        }
        Ok(caller)
    }
}

async fn caller(
    authenticator: &Authenticator,
    access_rule: AccessRule,
    headers: &HeaderMap,
    peer: Option<&PeerCertificates>,
) -> Result<Caller, Status> {
    let principal = match access_rule {
        AccessRule::Open => Arc::new(Principal::anonymous()),
        AccessRule::Authenticated | AccessRule::Tenant(_) | AccessRule::NamedTenant(_) => {
            principal(authenticator, headers, peer).await?
        }
    };
    match access_rule {
        AccessRule::Open | AccessRule::Authenticated => Ok(Caller::new(principal)),
        AccessRule::Tenant(access) => Caller::in_tenant(principal, access, headers),
        AccessRule::NamedTenant(access) => {
            let caller = Caller::new(principal);
            caller.require_access(access)?;
            Ok(caller)
        }
    }
}

async fn principal(
    authenticator: &Authenticator,
    headers: &HeaderMap,
    peer: Option<&PeerCertificates>,
) -> Result<Arc<Principal>, Status> {
    let credentials = match authenticator.is_on() {
        true => Credentials {
            authorization: authorization(headers)?,
            certificate: peer.and_then(|it| Some(it.0.first()?.as_ref())),
        },
        false => Credentials::default(),
    };
    let principal = authenticator.authenticate(credentials).await;
    principal.map_err(refusal)
}

fn refusal(rejection: Rejection) -> Status {
    match rejection {
        Rejection::Missing => unauthenticated(
            ErrorReason::CredentialsMissing,
            "the call has no credentials: set authorization to `Bearer TOKEN`",
        ),
        Rejection::Expired => unauthenticated(ErrorReason::TokenExpired, "the token has expired"),
        Rejection::NotYetValid => {
            unauthenticated(ErrorReason::TokenNotYetValid, "the token is not valid yet")
        }
        Rejection::NoKeys => no_keys(),
        Rejection::Invalid(fault) => unauthenticated(ErrorReason::CredentialsInvalid, fault),
    }
}
