//! Keeps a second service out of a data directory and out of a cluster.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::ErrorKind,
    path::Path,
};

use super::{Error, owner};

/// A held lock. The system releases it if the process is killed.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is between fork and exec still has
        // the file open. If unlocking fails, that window remains.
        let _ = self.0.unlock();
    }
}

/// Locks `data_dir`, by a file in it.
pub(super) fn lock_data_dir(data_dir: &Path) -> Result<Lock, Error> {
    let path = data_dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .or_else(|error| match File::open(&path) {
            // Another user's file, created by root: read access is enough to lock it.
            Err(second) if second.kind() == ErrorKind::NotFound => Err(error),
            opened => opened,
        })
        .map_err(|source| owner::denied(data_dir, source))?;
    lock(file, data_dir)
}

/// Locks the directory of the cluster itself: a copied data directory may contain a link to the
/// same cluster.
pub(super) fn lock_cluster(cluster: &Path) -> Result<Lock, Error> {
    let directory = File::open(cluster).map_err(|source| owner::denied(cluster, source))?;
    lock(directory, cluster)
}

fn lock(file: File, path: &Path) -> Result<Lock, Error> {
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(Error::file(path, source)),
    }
}
