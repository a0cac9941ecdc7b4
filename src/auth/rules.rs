//! The rules of one state of the files.

use std::sync::Arc;

use super::{
    api_key::{self, KeyDigest},
    certificate,
    config::{ApiKeyEntry, CertificateEntry},
    credentials::{Credentials, Rejection},
    token::Issuers,
};
use crate::model::{Principal, PrincipalKind};

/// The rules.
pub(super) struct AuthRules {
    pub(super) issuers: Issuers,
    pub(super) api_keys: Vec<(KeyDigest, Arc<Principal>)>,
    pub(super) certificates: Vec<Arc<Principal>>,
}

impl AuthRules {
    pub(super) async fn authenticate(
        &self,
        credentials: Credentials<'_>,
    ) -> Result<Arc<Principal>, Rejection> {
        match (credentials.authorization, credentials.certificate) {
            (Some(value), _) => self.by_token(bearer(value)?).await,
            (None, Some(certificate)) => self.by_certificate(certificate),
            (None, None) => Err(Rejection::Missing),
        }
    }

    async fn by_token(&self, token: &str) -> Result<Arc<Principal>, Rejection> {
        match token.starts_with(api_key::PREFIX) {
            true => self.by_api_key(token),
            false => self.issuers.authenticate(token).await,
        }
    }

    /// Compares with every key, so that the time does not depend on which one it is.
    fn by_api_key(&self, key: &str) -> Result<Arc<Principal>, Rejection> {
        let digest = KeyDigest::of(key);
        let mut found = None;
        for (expected, principal) in &self.api_keys {
            if digest.matches(expected) {
                found = Some(principal);
            }
        }
        let found = found.cloned();
        found.ok_or_else(|| Rejection::Invalid("the API key is not known".to_owned()))
    }

    fn by_certificate(&self, certificate: &[u8]) -> Result<Arc<Principal>, Rejection> {
        let names = certificate::names(certificate);
        let named = |it: &&Arc<Principal>| names.iter().any(|name| **name == *it.name);
        let found = self.certificates.iter().find(named).cloned();
        found.ok_or_else(|| {
            let fault = "no alternative name of the client certificate is known, and the call has \
                         no other credentials";
            Rejection::Invalid(fault.to_owned())
        })
    }
}

/// The token in a value of `authorization`.
fn bearer(value: &[u8]) -> Result<&str, Rejection> {
    let value = std::str::from_utf8(value).ok();
    let parts = value.and_then(|it| it.split_once(' '));
    let token = parts.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.map(|(_, token)| token.trim());
    let token = token.filter(|it| !it.is_empty());
    token.ok_or_else(|| Rejection::Invalid("authorization must be `Bearer TOKEN`".to_owned()))
}

pub(super) fn of_api_key(entry: ApiKeyEntry) -> (KeyDigest, Arc<Principal>) {
    let principal = Principal {
        kind: PrincipalKind::ApiKey,
        name: Arc::from(entry.name.0),
        tenants: entry.tenants.0,
        access: entry.access,
        expire_time: None,
    };
    (entry.sha256.into_inner(), Arc::new(principal))
}

pub(super) fn of_certificate(entry: CertificateEntry) -> Arc<Principal> {
    Arc::new(Principal {
        kind: PrincipalKind::ClientCertificate,
        name: Arc::from(entry.san.into_inner().0),
        tenants: entry.tenants.0,
        access: entry.access,
        expire_time: None,
    })
}
