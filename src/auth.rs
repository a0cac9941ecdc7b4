//! Who calls: tokens, API keys and client certificates, by the rules of one file.
//!
//! The rules are swapped whole when the file or a file of keys changes. A file with a mistake is
//! refused, and what was read before stays.

// The rules of the file.
mod file;
mod rules;

mod config;

// What callers show.
mod token;

mod api_key;
mod certificate;
mod credentials;
mod verified;

// With which keys tokens are verified.
mod remote;

mod keys;
mod ring_provider;

use std::{future::pending, path::Path, sync::Arc, time::Duration};

use chrono::{TimeDelta, Utc};
use tokio::{sync::watch, time::sleep};

pub use self::{
    api_key::new_api_key,
    credentials::{Credentials, Rejection},
    file::Error,
};
use self::{file::AuthFile, verified::LEEWAY};
use crate::{model::Principal, reload::Reloaded};

const SECOND: Duration = Duration::from_secs(1);

/// Finds out who calls. Clones share their rules.
#[derive(Clone)]
pub struct Authenticator {
    anonymous: Arc<Principal>,
    /// `None` when authentication is off.
    rules: Option<Arc<Reloaded<AuthFile>>>,
}

impl Authenticator {
    /// Everyone is `anonymous` and may do everything.
    #[must_use]
    pub fn off() -> Self {
        Self {
            anonymous: Arc::new(Principal::anonymous()),
            rules: None,
        }
    }

    /// By the rules of this file. They may be about client certificates if TLS asks for them.
    ///
    /// # Errors
    ///
    /// If it, or a file that it names, cannot be read or has a mistake.
    pub fn open(file: &Path, asks_for_certificates: bool) -> Result<Self, Error> {
        ring_provider::install();
        let rules = Reloaded::load(AuthFile::new(file, asks_for_certificates))?;
        Ok(Self {
            rules: Some(Arc::new(rules)),
            ..Self::off()
        })
    }

    /// Whether callers have to show who they are.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.rules.is_some()
    }

    /// Follows the files, and reads them at once for each of `requests`, until it is dropped.
    pub async fn follow(self, requests: watch::Receiver<()>) {
        if let Some(rules) = self.rules {
            rules.follow(requests).await;
        }
    }

    /// A notice for each later change of the rules; `None` when authentication is off.
    pub(crate) fn changes(&self) -> Option<watch::Receiver<()>> {
        self.rules.as_ref().map(|it| it.changes())
    }

    /// Waits until the credentials of a caller may be refused: the rules have changed, or they have
    /// expired.
    pub(crate) async fn may_refuse(caller: &Principal, changes: &mut watch::Receiver<()>) {
        let expiry = async {
            let Some(time) = caller.expire_time else {
                return pending().await;
            };
            let left = time - Utc::now() + TimeDelta::seconds(LEEWAY as i64 + 1);
            sleep(left.to_std().unwrap_or_default().max(SECOND)).await;
        };
        tokio::select! {
            Ok(()) = changes.changed() => {}
            () = expiry => {}
        }
    }

    /// The caller with these credentials.
    ///
    /// # Errors
    ///
    /// If they are missing or refused.
    pub async fn authenticate(
        &self,
        credentials: Credentials<'_>,
    ) -> Result<Arc<Principal>, Rejection> {
        match &self.rules {
            None => Ok(Arc::clone(&self.anonymous)),
            Some(rules) => rules.current().authenticate(credentials).await,
        }
    }
}
