//! The keys of an issuer that publishes them over HTTPS.
//!
//! One task fetches them: at the start, every five minutes, and when a token has an unknown key. No
//! caller with a known key waits for it.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota};
use reqwest::{Client, Url, redirect};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{credentials::Rejection, keys::KeySet};
use crate::telemetry::due_line;

/// How often the keys are fetched, so that a key that was withdrawn is refused some time.
const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// The same, before they could be fetched for the first time.
const FIRST_INTERVAL: Duration = Duration::from_secs(5);

/// How long one fetch may take, and how long a caller with an unknown key waits.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one of the fetches for unknown keys stands for: callers could ask for any number.
const PERIOD_PER_FETCH: Duration = Duration::from_secs(10);

/// How many such fetches may come at once.
const BURST: NonZeroU32 = NonZeroU32::new(5).expect("not zero");

/// How many callers with unknown keys may wait.
const MAX_WAITING: usize = 100;

/// The largest set of keys, in bytes.
const MAX_BYTES: usize = 256 << 10;

/// The keys at one address. Dropping this ends the task.
pub(super) struct RemoteKeys {
    keys: watch::Receiver<Option<Arc<KeySet>>>,
    wanted: Arc<Notify>,
    waiting: Semaphore,
    _task: AbortOnDropHandle<()>,
}

impl RemoteKeys {
    /// Begins to fetch, and trusts the authorities in `ca`, or those of the system.
    pub(super) fn start(url: Url, ca: Option<&[u8]>) -> Result<Self, String> {
        let (sender, keys) = watch::channel(None);
        let wanted = Arc::new(Notify::new());
        let task = Fetcher {
            client: client(ca)?,
            url,
            keys: sender,
            wanted: Arc::clone(&wanted),
        };
        Ok(Self {
            keys,
            wanted,
            waiting: Semaphore::new(MAX_WAITING),
            _task: AbortOnDropHandle::new(tokio::spawn(task.run())),
        })
    }

    /// The keys, fetched again if none has this id.
    pub(super) async fn with(&self, id: Option<&str>) -> Result<Arc<KeySet>, Rejection> {
        let mut keys = self.keys.clone();
        let known = keys.borrow_and_update().clone();
        if let Some(known) = known.filter(|it| it.find(id).is_some()) {
            return Ok(known);
        }
        let _place = self.waiting.try_acquire().map_err(|_| Rejection::NoKeys)?;
        self.wanted.notify_one();
        let _ = timeout(FETCH_TIMEOUT, keys.changed()).await;
        let known = keys.borrow().clone();
        known.ok_or(Rejection::NoKeys)
    }

    /// Whether these are the keys that were fetched last.
    pub(super) fn is_current(&self, keys: &Arc<KeySet>) -> bool {
        let current = self.keys.borrow();
        current.as_ref().is_some_and(|it| Arc::ptr_eq(it, keys))
    }
}

/// What the task works with.
struct Fetcher {
    client: Client,
    url: Url,
    keys: watch::Sender<Option<Arc<KeySet>>>,
    wanted: Arc<Notify>,
}

impl Fetcher {
    /// Logs when fetching the keys begins to fail, or to work again.
    fn log(&self, error: Option<&String>) {
        let url = &self.url;
        let Some(due) = due_line(url.as_str(), i32::from(error.is_some())) else {
            return;
        };
        let left_out = due.left_out;
        match error {
            None => tracing::info!(left_out, "the keys of {url} are there"),
            Some(error) => {
                tracing::warn!(
                    error,
                    left_out,
                    "the keys of {url} cannot be fetched: {error}"
                );
            }
        }
    }

    async fn run(self) {
        let quota = Quota::with_period(PERIOD_PER_FETCH).map(|it| it.allow_burst(BURST));
        let limiter = quota.map(DefaultDirectRateLimiter::direct);
        let mut is_failing = false;
        loop {
            let fetched = fetch(&self.client, &self.url).await;
            if fetched.is_err() != is_failing {
                is_failing = fetched.is_err();
                self.log(fetched.as_ref().err());
            }
            self.keys.send_modify(|keys| {
                if let Ok(fetched) = fetched {
                    *keys = Some(Arc::new(fetched));
                }
            });
            let interval = match self.keys.borrow().is_some() {
                true => INTERVAL,
                false => FIRST_INTERVAL,
            };
            let is_due = sleep(interval);
            tokio::pin!(is_due);
            loop {
                tokio::select! {
                    () = &mut is_due => break,
                    () = self.wanted.notified() => {}
                }
                if limiter.as_ref().is_none_or(|it| it.check().is_ok()) {
                    break;
                }
                // Who waits learns at once that the key stays unknown.
                self.keys.send_modify(|_| ());
            }
        }
    }
}

async fn fetch(client: &Client, url: &Url) -> Result<KeySet, String> {
    let error = |error: reqwest::Error| chain(&error.without_url());
    let response = client.get(url.clone()).send().await.map_err(error)?;
    let mut response = response.error_for_status().map_err(error)?;
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(error)? {
        if body.len() + part.len() > MAX_BYTES {
            return Err("they have more than 256 KiB".to_owned());
        }
        body.extend_from_slice(&part);
    }
    KeySet::parse(&body)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |it| it.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn client(ca: Option<&[u8]>) -> Result<Client, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(pem) => {
            let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
            let certificates = certificates.map_err(|error| error.to_string())?;
            if roots.add_parsable_certificates(certificates).0 == 0 {
                return Err("must have certificates in PEM".to_owned());
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs().certs;
            roots.add_parsable_certificates(system);
        }
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring offers the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .redirect(redirect::Policy::limited(3))
        .timeout(FETCH_TIMEOUT);
    client.build().map_err(|error| chain(&error))
}
