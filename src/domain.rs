//! Operations, their rules and transactions, and the error.

// Operations.
pub(crate) mod contacts;
pub(crate) mod export;
pub(crate) mod imports;
pub(crate) mod mailing_groups;
pub mod maintenance;
pub(crate) mod memberships;
pub(crate) mod revisions;
pub(crate) mod segments;
pub(crate) mod selection;
pub(crate) mod tenants;
pub(crate) mod watch;

// What operations are made of.
mod jobs;

mod assign;
mod batch;
mod cache;
mod lookup;
mod upsert;

mod idempotency;

// Below all: reading, writing, notifying.
mod database;

mod error;
mod notifier;

use std::{ops::Deref, sync::Arc};

pub use self::{
    cache::SetCache,
    database::{NotReady, UnknownTenants},
};
use self::{database::Database, jobs::JobQueues, notifier::RevisionNotifier};
pub(crate) use self::{
    database::{Call, Committed, IdempotencyKey},
    error::{
        BrokenRule, Error, ImportDifference, Precondition, Resource, Result, UnknownContact,
        Violation,
    },
    upsert::{ContactField, Refusal},
};
use crate::store::Store;

/// Maximum number of rows that a step of long work changes: other writes of the tenant wait for one step
/// at most.
pub(crate) const MAX_STEP_ROWS: usize = 10_000;

/// What the operations work with.
#[derive(Clone)]
pub struct Domain {
    database: Database,
    jobs: Arc<JobQueues>,
    cache: Arc<SetCache>,
}

impl Domain {
    /// Operations on this database, with a cache of sets.
    pub fn new(store: Store, cache: SetCache) -> Self {
        let connections = store.max_connections();
        store.measure();
        let domain = Self {
            jobs: Arc::new(JobQueues::new(connections)),
            cache: Arc::new(cache),
            database: Database {
                store,
                unknown_tenants: UnknownTenants::default(),
                notifier: Arc::new(RevisionNotifier::new(connections / 4)),
            },
        };
        domain.measure_cache();
        domain
    }

    /// The same operations, which treat tenants that do not exist like this.
    #[must_use]
    pub fn with_unknown_tenants(mut self, unknown_tenants: UnknownTenants) -> Self {
        self.database.unknown_tenants = unknown_tenants;
        self
    }

    /// The cache of sets.
    fn cache(&self) -> &SetCache {
        &self.cache
    }

    /// Whether the database can be read and written.
    ///
    /// # Errors
    ///
    /// If not; the reason.
    pub async fn ready(&self) -> Result<(), NotReady> {
        self.database.ready().await
    }
}

/// Operations read and write through the domain's database.
impl Deref for Domain {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}
