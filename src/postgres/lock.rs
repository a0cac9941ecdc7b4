//! Keeps a second service out of a data directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
};

use super::{Error, owner};

/// A data directory that is ours. The system releases it also when the service is killed.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough while a program is being started elsewhere: until it runs,
        // it has all our files open as well. If this fails, it is.
        let _ = self.0.unlock();
    }
}

/// Takes the lock of `data_dir`.
pub(super) fn take(data_dir: &Path) -> Result<Lock, Error> {
    let path = data_dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        // Made by root in somebody's folder: reading is enough to lock.
        .or_else(|_| File::open(&path))
        .map_err(|source| owner::denied(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            data_dir: data_dir.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(Error::file(path, source)),
    }
}
