//! Values made of files, replaced as a whole when the content of a file changes.
//!
//! The contents are compared, because nothing else tells all changes: Kubernetes swaps a symbolic
//! link, others write in place, and notifications of the system are lost in both cases.

use std::{
    error::Error,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio::{sync::watch, task::spawn_blocking, time::sleep};

use crate::metrics::FILES_IN_USE;

/// How often the files are read.
const INTERVAL: Duration = Duration::from_secs(10);

/// Something that is read from files.
pub trait FileSource: Send + Sync + 'static {
    /// What is made of the files.
    type Value: Send + Sync + 'static;
    /// Why it cannot be made. Its text names the file.
    type Error: Error + Send + 'static;
    /// Names the value in log lines.
    const NAME: &'static str;

    /// Makes the value of files that are all read by `files`. Called every ten seconds; what it returns is
    /// dropped if the files are as before.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or they do not fit.
    fn load(&self, files: &mut FileReader) -> Result<Self::Value, Self::Error>;

    /// Called for each value that comes into use, e.g. to warn.
    fn accepted(&self, _value: &Self::Value) {}
}

/// Reads files, and remembers whether one is different from the time before.
#[derive(Default)]
pub struct FileReader(Sha256);

impl FileReader {
    /// The content of a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let content = fs::read(path);
        self.0.update(path.as_os_str().as_encoded_bytes());
        match &content {
            Ok(content) => {
                self.0.update(content.len().to_le_bytes());
                self.0.update(content);
            }
            Err(error) => self.0.update(error.to_string()),
        }
        content
    }
}

/// A value that follows its files. One that does not fit is refused, and the former stays.
pub struct Reloaded<S: FileSource> {
    source: S,
    current: ArcSwap<S::Value>,
    /// Tells of each value that comes into use.
    changes: watch::Sender<()>,
    /// The digest of what was read last, used or not.
    last: Mutex<[u8; 32]>,
}

impl<S: FileSource> Reloaded<S> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    ///
    /// If the value cannot be made.
    pub fn load(source: S) -> Result<Self, S::Error> {
        let mut files = FileReader::default();
        let value = source.load(&mut files)?;
        source.accepted(&value);
        FILES_IN_USE.gauge(&[S::NAME]).set(1.0);
        Ok(Self {
            source,
            current: ArcSwap::from_pointee(value),
            changes: watch::Sender::new(()),
            last: Mutex::new(files.0.finalize().into()),
        })
    }

    /// The files.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The value of the files that were accepted last.
    pub fn current(&self) -> Arc<S::Value> {
        self.current.load_full()
    }

    /// A notice for each value that comes into use after this call.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Reads the files every ten seconds, and for each of `requests` at once. Runs until it is
    /// dropped.
    pub async fn follow(self: Arc<Self>, mut requests: watch::Receiver<()>) {
        loop {
            let is_asked = tokio::select! {
                () = sleep(INTERVAL) => false,
                Ok(()) = requests.changed() => true,
            };
            let this = Arc::clone(&self);
            // A panic of the source leaves the former value.
            let _ = spawn_blocking(move || this.refresh(is_asked)).await;
        }
    }

    /// Reads the files, and logs a line if they changed or a person asked.
    fn refresh(&self, is_asked: bool) {
        let mut files = FileReader::default();
        let loaded = self.source.load(&mut files);
        let digest = files.0.finalize().into();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_changed = std::mem::replace(&mut *last, digest) != digest;
        let name = S::NAME;
        let is_in_use = if loaded.is_ok() { 1.0 } else { 0.0 };
        FILES_IN_USE.gauge(&[name]).set(is_in_use);
        match loaded {
            Ok(value) if is_changed => {
                self.source.accepted(&value);
                self.current.store(Arc::new(value));
                self.changes.send_replace(());
                tracing::info!("{name}: read again and in use");
            }
            Ok(_) if is_asked => tracing::info!("{name}: read again, unchanged"),
            Err(error) if is_changed || is_asked => {
                tracing::error!(%error, "{name}: {error}; what was read before stays in use");
            }
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Number(std::path::PathBuf);

    impl FileSource for Number {
        type Value = u32;
        type Error = io::Error;
        const NAME: &'static str = "number";

        fn load(&self, files: &mut FileReader) -> io::Result<u32> {
            let content = files.read(&self.0)?;
            let text = String::from_utf8_lossy(&content);
            text.trim().parse().map_err(io::Error::other)
        }
    }

    #[test]
    fn a_value_follows_its_file_while_that_fits() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("number");
        Reloaded::load(Number(path.clone())).err().expect("no file");
        fs::write(&path, "1").expect("written");
        let number = Reloaded::load(Number(path.clone())).expect("a number");
        let after = |content: Option<&str>| {
            match content {
                Some(content) => fs::write(&path, content).expect("written"),
                None => fs::remove_file(&path).expect("removed"),
            }
            number.refresh(false);
            *number.current()
        };
        assert_eq!(*number.current(), 1);
        assert_eq!(after(Some("2")), 2);
        assert_eq!(after(Some("many")), 2);
        assert_eq!(after(None), 2);
        // The value is the same object as long as the content is.
        assert_eq!(after(Some("3")), 3);
        let before = number.current();
        number.refresh(true);
        assert!(Arc::ptr_eq(&before, &number.current()));
    }

    #[tokio::test]
    async fn a_request_reads_the_file_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("number");
        fs::write(&path, "1").expect("written");
        let number = Arc::new(Reloaded::load(Number(path.clone())).expect("a number"));
        let (request, requests) = watch::channel(());
        let following = tokio::spawn(Arc::clone(&number).follow(requests));
        fs::write(&path, "2").expect("written");
        request.send(()).expect("followed");
        while *number.current() == 1 {
            tokio::task::yield_now().await;
        }
        following.abort();
    }
}
