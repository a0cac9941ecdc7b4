//! Who calls, and whether they may: before a call takes anything of a tenant's share.

use std::sync::Arc;

use http::HeaderMap;
use tonic::Status;

use super::{calls::Calls, methods::Guard, tls::PeerCertificates};
use crate::{
    api::{
        caller::{Caller, authorization},
        status::{no_keys, unauthenticated},
    },
    auth::{Credentials, Rejection},
    model::Principal,
    pb::ErrorReason,
};

impl Calls {
    /// The caller, if it may make this call.
    pub(super) async fn caller(
        &self,
        guard: Guard,
        headers: &HeaderMap,
        peer: Option<PeerCertificates>,
    ) -> Result<Caller, Status> {
        let principal = match guard {
            Guard::Open => Arc::new(Principal::anonymous()),
            Guard::Authenticated | Guard::Tenant(_) | Guard::NamedTenant(_) => {
                self.principal(headers, peer).await?
            }
        };
        match guard {
            Guard::Open | Guard::Authenticated => Ok(Caller::new(principal)),
            Guard::Tenant(access) => Caller::in_tenant(principal, access, headers),
            Guard::NamedTenant(access) => {
                let caller = Caller::new(principal);
                caller.require_access(access)?;
                Ok(caller)
            }
        }
    }

    async fn principal(
        &self,
        headers: &HeaderMap,
        peer: Option<PeerCertificates>,
    ) -> Result<Arc<Principal>, Status> {
        let credentials = match self.authenticator.is_on() {
            true => Credentials {
                authorization: authorization(headers)?,
                certificate: peer.as_ref().and_then(|it| Some(it.0.first()?.as_ref())),
            },
            false => Credentials::default(),
        };
        let principal = self.authenticator.authenticate(credentials).await;
        principal.map_err(refusal)
    }
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
