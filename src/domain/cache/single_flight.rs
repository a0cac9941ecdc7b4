//! Loads that callers share: of several callers with one key, one loads and all get the result.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::domain::{Error, Result};

/// The loads in progress. Each is a task of its own, which goes on as long as anybody waits for it: a
/// caller whose deadline passes does not make the others start again.
pub(super) struct SingleFlight<K, V>(Mutex<HashMap<K, WeakShared<Flight<V>>>>);

type Flight<V> = BoxFuture<'static, std::result::Result<V, Arc<Error>>>;

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone + Send + Sync + 'static> SingleFlight<K, V> {
    /// The result of the load of this key that is in progress, or of this one.
    pub(super) async fn join(
        &self,
        key: K,
        load: impl Future<Output = Result<V>> + Send + 'static,
    ) -> std::result::Result<V, Arc<Error>> {
        self.flight(key, load).await
    }

    fn flight(
        &self,
        key: K,
        load: impl Future<Output = Result<V>> + Send + 'static,
    ) -> Shared<Flight<V>> {
        let mut flights = self.lock();
        let in_progress = flights.get(&key).and_then(WeakShared::upgrade);
        if let Some(flight) = in_progress.filter(|it| it.peek().is_none()) {
            return flight;
        }
        flights.retain(|_, flight| flight.upgrade().is_some());
        let task = AbortOnDropHandle::new(tokio::spawn(load.in_current_span()));
        let flight = async move {
            let loaded = task.await;
            loaded
                .unwrap_or_else(|error| Err(error.into()))
                .map_err(Arc::new)
        };
        let flight = flight.boxed().shared();
        flights.extend(flight.downgrade().map(|weak| (key, weak)));
        flight
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, WeakShared<Flight<V>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[derive(Default)]
    struct Source {
        begun: AtomicUsize,
        ended: Arc<AtomicUsize>,
        ready: Arc<Notify>,
    }

    struct CountOnDrop(Arc<AtomicUsize>);

    impl Drop for CountOnDrop {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Source {
        fn load(self: &Arc<Self>) -> impl Future<Output = Result<usize>> + Send + 'static {
            let source = Arc::clone(self);
            async move {
                let _ended = CountOnDrop(Arc::clone(&source.ended));
                let number = source.begun.fetch_add(1, Ordering::SeqCst);
                source.ready.notified().await;
                Ok(number)
            }
        }

        async fn until(&self, counter: &AtomicUsize, count: usize) {
            while counter.load(Ordering::SeqCst) < count {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn a_load_goes_on_when_its_first_caller_goes_away() {
        let (flights, source) = (SingleFlight::default(), Arc::new(Source::default()));
        let mut first = Box::pin(flights.join("a", source.load()));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(flights.join("a", source.load()));
        assert!(second.as_mut().now_or_never().is_none());
        source.until(&source.begun, 1).await;
        drop(first);
        source.ready.notify_one();
        assert_eq!(second.await.ok(), Some(0));
        source.ready.notify_one();
        assert_eq!(flights.join("a", source.load()).await.ok(), Some(1));
    }

    #[tokio::test]
    async fn a_load_ends_when_nobody_waits_for_it() {
        let (flights, source) = (SingleFlight::default(), Arc::new(Source::default()));
        let mut only = Box::pin(flights.join("a", source.load()));
        assert!(only.as_mut().now_or_never().is_none());
        source.until(&source.begun, 1).await;
        drop(only);
        source.until(&source.ended, 1).await;
        source.ready.notify_one();
        assert_eq!(flights.join("a", source.load()).await.ok(), Some(1));
    }
}
