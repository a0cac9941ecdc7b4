//! The store of a database that is served.

use super::{Error, ServedDatabase};
use crate::{
    config::{DatabaseOptions, ReplicaOptions},
    store::Store,
};

impl ServedDatabase {
    /// The store, which connects when it is used.
    ///
    /// # Errors
    ///
    /// If a URL is invalid, or the file with that of the replica cannot be read.
    pub fn store(
        &self,
        options: &DatabaseOptions,
        replica: &ReplicaOptions,
    ) -> Result<Store, Error> {
        let url = |origin| move |source| Error::Url { origin, source };
        let connections = usize::from(options.database_connections);
        let store = Store::new(self.url(), connections, options.database_wait);
        let store = store.map_err(url("--database-url"))?;
        match replica.url().map_err(Error::ReplicaUrlFile)? {
            Some((replica, origin)) => store.with_replica(&replica).map_err(url(origin)),
            None => Ok(store),
        }
    }
}
