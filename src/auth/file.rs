//! The file of rules.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use super::{
    config::{AuthConfig, HttpsUrl, JwtEntry},
    keys::KeySet,
    remote::RemoteKeys,
    rules::{AuthRules, of_api_key, of_certificate},
    token::{Issuer, Issuers, KeySource},
};
use crate::reload::{FileReader, FileSource};

/// The rules cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has a mistake.
    #[error("{}: {fault}", .path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// The mistake, with its line.
        fault: String,
    },
}

/// The file, and the files that it names.
pub(super) struct AuthFile {
    path: PathBuf,
    /// Whether TLS asks clients for certificates.
    asks_for_certificates: bool,
    /// The keys that are fetched, so that they stay when the file is read again.
    remote: Mutex<Vec<Remote>>,
}

/// Keys at an address, with the content of `keys_ca`, for as long as some rules use them.
struct Remote {
    url: HttpsUrl,
    ca: Option<String>,
    keys: Weak<RemoteKeys>,
}

impl FileSource for AuthFile {
    type Value = AuthRules;
    type Error = Error;
    const NAME: &'static str = "authentication";

    fn load(&self, files: &mut FileReader) -> Result<AuthRules, Error> {
        let text = read(files, &self.path)?;
        let config = AuthConfig::parse(&text, self.asks_for_certificates);
        let config = config.map_err(|fault| mistake(&self.path, fault))?;
        let issuers = config.jwt.iter().map(|it| self.issuer(files, it));
        Ok(AuthRules {
            issuers: Issuers::new(issuers.collect::<Result<_, _>>()?),
            api_keys: config.api_key.into_iter().map(of_api_key).collect(),
            certificates: {
                let entries = config.client_certificate.into_iter();
                entries.map(of_certificate).collect()
            },
        })
    }
}

impl AuthFile {
    pub(super) fn new(path: &Path, asks_for_certificates: bool) -> Self {
        Self {
            path: path.to_owned(),
            asks_for_certificates,
            remote: Mutex::default(),
        }
    }

    fn issuer(&self, files: &mut FileReader, entry: &JwtEntry) -> Result<Issuer, Error> {
        let keys = match (&entry.keys_file, &entry.keys_url) {
            (Some(file), _) => {
                let path = self.beside(file);
                let text = read(files, &path)?;
                let keys = KeySet::parse(text.as_bytes());
                let keys = keys.map_err(|fault| mistake(&path, fault))?;
                KeySource::File(Arc::new(keys))
            }
            (None, Some(url)) => {
                let ca = entry.keys_ca.as_ref().map(|it| self.beside(it));
                KeySource::Url(self.remote_keys(files, url, ca.as_deref())?)
            }
            (None, None) => return Err(mistake(&self.path, "a [[jwt]] has no keys".to_owned())),
        };
        Ok(Issuer::new(entry, keys))
    }

    /// The keys at an address: those that are fetched already, if there are.
    fn remote_keys(
        &self,
        files: &mut FileReader,
        url: &HttpsUrl,
        ca_path: Option<&Path>,
    ) -> Result<Arc<RemoteKeys>, Error> {
        let ca = ca_path.map(|it| read(files, it)).transpose()?;
        let mut remote = self.remote.lock().unwrap_or_else(PoisonError::into_inner);
        remote.retain(|it| it.keys.strong_count() > 0);
        let known = remote.iter().find(|it| it.url == *url && it.ca == ca);
        if let Some(keys) = known.and_then(|it| it.keys.upgrade()) {
            return Ok(keys);
        }
        let keys = RemoteKeys::start(url.0.clone(), ca.as_deref().map(str::as_bytes));
        let keys = keys.map_err(|fault| mistake(ca_path.unwrap_or(&self.path), fault))?;
        let keys = Arc::new(keys);
        remote.push(Remote {
            url: url.clone(),
            ca,
            keys: Arc::downgrade(&keys),
        });
        Ok(keys)
    }

    /// A path in the file is relative to its folder.
    fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

fn mistake(path: &Path, fault: String) -> Error {
    let path = path.to_owned();
    Error::Mistake { path, fault }
}

fn read(files: &mut FileReader, path: &Path) -> Result<String, Error> {
    let content = files.read(path).map_err(|source| Error::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    String::from_utf8(content).map_err(|_| mistake(path, "must be UTF-8 text".to_owned()))
}
