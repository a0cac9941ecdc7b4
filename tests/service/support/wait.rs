//! Waiting that ends.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

/// How long a test waits for anything. It bounds a test that hangs and measures nothing, so it is
/// long enough for a machine on which all cores are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Fails the test if `future` does not end.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("in time")
}

/// Tries until `attempt` has a result, and fails the test if there is none in the end.
pub(crate) async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    within(async {
        loop {
            if let Some(result) = attempt().await {
                return result;
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// As [`eventually`], for tests without a runtime.
pub(crate) fn eventually_blocking<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(result) = attempt() {
            return result;
        }
        assert!(Instant::now() < deadline, "no result within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
