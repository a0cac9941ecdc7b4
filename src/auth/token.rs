//! JSON Web Tokens (RFC 7519).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Algorithm, Validation, dangerous::insecure_decode_claims, decode, decode_header,
    errors::ErrorKind,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    config::JwtEntry,
    credentials::Rejection,
    keys::{KeySet, PublicKey},
    remote::RemoteKeys,
    verified::{LEEWAY, TokenDigest, VerifiedToken, VerifiedTokens},
};
use crate::model::{AccessLevel, GrantedTenants, Principal, PrincipalKind};

/// The longest token, in bytes.
const MAX_TOKEN: usize = 8 << 10;

/// Whose tokens are taken.
pub(super) struct Issuer {
    name: String,
    audience: String,
    tenants_claim: String,
    access_claim: String,
    keys: KeySource,
}

/// Where the keys of an issuer are.
pub(super) enum KeySource {
    File(Arc<KeySet>),
    Url(Arc<RemoteKeys>),
}

impl KeySource {
    /// Keys of which one has this id, if there are.
    async fn with(&self, id: Option<&str>) -> Result<Arc<KeySet>, Rejection> {
        match self {
            Self::File(keys) => Ok(Arc::clone(keys)),
            Self::Url(keys) => keys.with(id).await,
        }
    }

    fn is_current(&self, keys: &Arc<KeySet>) -> bool {
        match self {
            Self::File(current) => Arc::ptr_eq(current, keys),
            Self::Url(remote) => remote.is_current(keys),
        }
    }
}

/// All issuers, and the tokens that were verified.
pub(super) struct Issuers {
    all: Vec<Issuer>,
    verified: VerifiedTokens,
}

/// Enough of the claims to know whose token it says it is.
#[derive(Deserialize)]
struct UnverifiedClaims {
    iss: String,
}

impl Issuers {
    pub(super) fn new(all: Vec<Issuer>) -> Self {
        let verified = VerifiedTokens::default();
        Self { all, verified }
    }

    /// The caller with this token.
    pub(super) async fn authenticate(&self, token: &str) -> Result<Arc<Principal>, Rejection> {
        if token.len() > MAX_TOKEN {
            return Err(invalid("the token has more than 8 KiB"));
        }
        let (digest, now) = (TokenDigest::of(token), Utc::now().timestamp());
        let known = self.verified.get(digest, now);
        let known = known.filter(|it| self.all[it.issuer].keys.is_current(&it.keys));
        if let Some(known) = known {
            return Ok(known.caller);
        }
        let verified = self.verify(token).await?;
        let caller = Arc::clone(&verified.caller);
        self.verified.insert(digest, verified, now);
        Ok(caller)
    }

    async fn verify(&self, token: &str) -> Result<VerifiedToken, Rejection> {
        let header = decode_header(token)
            .map_err(|_| invalid("the token is neither an API key nor a signed JSON Web Token"))?;
        let claims: UnverifiedClaims = insecure_decode_claims(token)
            .map_err(|_| invalid("the token has no valid claim `iss`"))?;
        let at = self.all.iter().position(|it| it.name == claims.iss);
        let at = at.ok_or_else(|| invalid("the issuer of the token is not known"))?;
        let (issuer, id) = (&self.all[at], header.kid.as_deref());
        let keys = issuer.keys.with(id).await?;
        let claims = issuer.verify(token, keys.find(id))?;
        Ok(VerifiedToken {
            caller: Arc::new(issuer.principal(&claims)?),
            issuer: at,
            keys,
        })
    }
}

impl Issuer {
    pub(super) fn new(entry: &JwtEntry, keys: KeySource) -> Self {
        Self {
            name: entry.issuer.get_ref().0.clone(),
            audience: entry.audience.0.clone(),
            tenants_claim: entry.tenants_claim.0.clone(),
            access_claim: entry.access_claim.0.clone(),
            keys,
        }
    }

    /// The claims of a token that is signed with this key.
    fn verify(
        &self,
        token: &str,
        key: Option<&PublicKey>,
    ) -> Result<Map<String, Value>, Rejection> {
        let key = key.ok_or_else(|| invalid("the key of the token is not known"))?;
        let verified = decode(token, &key.key, &self.validation(key.algorithm));
        verified
            .map(|it| it.claims)
            .map_err(|error| refusal(error.kind()))
    }

    /// Without `set_required_spec_claims`, a token that lacks a claim would pass its check.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.name]);
        validation.set_audience(&[&self.audience]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        validation
    }

    fn principal(&self, claims: &Map<String, Value>) -> Result<Principal, Rejection> {
        let name = claims
            .get("sub")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Principal::check_name(name)
            .map_err(|error| invalid(&format!("the claim `sub` {error}")))?;
        let tenants = texts(claims.get(&self.tenants_claim));
        let tenants = GrantedTenants::parse(tenants).map_err(|_| {
            let claim = &self.tenants_claim;
            invalid(&format!(
                "the claim `{claim}` must be the name of a tenant, `*`, or a list of them"
            ))
        })?;
        let stated = texts(claims.get(&self.access_claim));
        let access = AccessLevel::ALL.into_iter().rev();
        let access = access.into_iter().find(|it| stated.contains(&it.name()));
        let access = access.ok_or_else(|| {
            let claim = &self.access_claim;
            invalid(&format!(
                "the claim `{claim}` must be reader, assigner, definer or admin"
            ))
        })?;
        let expires = claims.get("exp").and_then(Value::as_f64);
        Ok(Principal {
            kind: PrincipalKind::Token,
            name: Arc::from(name),
            tenants,
            access,
            expire_time: expires.and_then(|it| DateTime::from_timestamp(it as i64, 0)),
        })
    }
}

/// The texts of a claim: one, or a list.
fn texts(claim: Option<&Value>) -> Vec<&str> {
    match claim {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn refusal(error: &ErrorKind) -> Rejection {
    match error {
        ErrorKind::ExpiredSignature => Rejection::Expired,
        ErrorKind::ImmatureSignature => Rejection::NotYetValid,
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => {
            invalid(&format!("the token has no valid claim `{claim}`"))
        }
        ErrorKind::InvalidAudience => invalid("the token is for another audience"),
        ErrorKind::InvalidAlgorithm => {
            invalid("the token is signed by another algorithm than its key is for")
        }
        ErrorKind::InvalidSignature => invalid("the signature of the token is wrong"),
        _ => invalid("the token is malformed"),
    }
}

fn invalid(fault: &str) -> Rejection {
    Rejection::Invalid(fault.to_owned())
}
