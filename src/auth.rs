//! Who calls: tokens, API keys and client certificates, by the rules of one file.
//!
//! The rules are swapped whole when the file or a file of keys changes. A file with a mistake is
//! refused, and what was read before stays.

mod api_key;
mod certificate;
mod config;
mod credentials;
mod file;
mod keys;
mod remote;
mod ring_provider;
mod rules;
mod token;

use std::{path::Path, sync::Arc};

use tokio::sync::watch;

use self::file::AuthFile;
pub use self::{
    api_key::new_api_key,
    credentials::{Credentials, Rejection},
    file::Error,
};
use crate::{model::Principal, reload::Reloaded};

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

    /// By the rules of this file.
    ///
    /// # Errors
    ///
    /// If it, or a file that it names, cannot be read or has a mistake.
    pub fn open(file: &Path) -> Result<Self, Error> {
        ring_provider::install();
        let rules = Reloaded::load(AuthFile::new(file))?;
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
