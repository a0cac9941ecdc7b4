//! Tokens that were verified: to verify a signature takes as long as many a call.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use sha2::{Digest, Sha256};

use super::keys::KeySet;
use crate::model::Principal;

/// How much the clocks of issuer and server may differ, in seconds.
pub(super) const LEEWAY: u64 = 60;

/// How many tokens are kept.
const MAX: usize = 10_000;

/// A token that was verified.
#[derive(Clone)]
pub(super) struct VerifiedToken {
    pub(super) caller: Arc<Principal>,
    /// The position of its issuer.
    pub(super) issuer: usize,
    /// The keys that it was verified with.
    pub(super) keys: Arc<KeySet>,
}

/// The SHA-256 of a token, so that no token stays in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// Tokens that were verified with the present rules.
#[derive(Default)]
pub(super) struct VerifiedTokens(RwLock<HashMap<TokenDigest, VerifiedToken>>);

impl VerifiedTokens {
    /// A token, unless it has expired.
    pub(super) fn get(&self, digest: TokenDigest, now: i64) -> Option<VerifiedToken> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = tokens.get(&digest);
        found.filter(|it| is_valid(it, now)).cloned()
    }

    /// Keeps a token. If there is no room, those that have expired go, or all.
    pub(super) fn insert(&self, digest: TokenDigest, token: VerifiedToken, now: i64) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX {
            tokens.retain(|_, it| is_valid(it, now));
        }
        if tokens.len() >= MAX {
            tokens.clear();
        }
        tokens.insert(digest, token);
    }
}

fn is_valid(token: &VerifiedToken, now: i64) -> bool {
    let expires = token.caller.expire_time;
    expires.is_some_and(|it| it.timestamp() + LEEWAY as i64 >= now)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    fn expiring(at: i64) -> VerifiedToken {
        VerifiedToken {
            caller: Arc::new(Principal {
                expire_time: DateTime::from_timestamp(at, 0),
                ..Principal::anonymous()
            }),
            issuer: 0,
            keys: Arc::new(KeySet::parse(KEYS.as_bytes()).expect("keys")),
        }
    }

    #[test]
    fn a_token_is_kept_until_it_expires() {
        let tokens = VerifiedTokens::default();
        let (one, other) = (TokenDigest::of("one"), TokenDigest::of("other"));
        tokens.insert(one, expiring(1_000), 900);
        assert!(tokens.get(one, 1_060).is_some() && tokens.get(other, 900).is_none());
        assert!(tokens.get(one, 1_061).is_none());
    }

    #[test]
    fn tokens_have_bounded_room() {
        let tokens = VerifiedTokens::default();
        let token = expiring(1_000);
        let digest = |number: usize| TokenDigest::of(&number.to_string());
        let count = || tokens.0.read().expect("no panic").len();
        for number in 0..MAX {
            tokens.insert(digest(number), token.clone(), 900);
        }
        assert_eq!(count(), MAX);
        tokens.insert(digest(MAX), token, 900);
        assert_eq!(count(), 1);
        for number in 1..MAX {
            tokens.insert(digest(number), expiring(2_000), 900);
        }
        assert_eq!(count(), MAX);
        tokens.insert(digest(0), expiring(3_000), 2_061);
        assert_eq!(count(), 1, "those that have expired go first");
    }
}
