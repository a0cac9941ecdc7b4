//! Keeps a second service out of a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::{Error, owner};

/// Takes the lock of `data_dir`; it is held as long as the file is open, so the system
/// releases it also when the service is killed.
pub(super) fn take(data_dir: &Path) -> Result<File, Error> {
    let path = data_dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        // Made by root in somebody's folder: reading is enough to lock.
        .or_else(|_| File::open(&path))
        .map_err(|source| owner::denied(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            data_dir: data_dir.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(Error::file(path, source)),
    }
}
