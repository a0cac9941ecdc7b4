//! Waiting that ends.

use std::{future::Future, time::Duration};

use tokio::time::{sleep, timeout};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens at once may take so long on a machine that is busy with other tests.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(1);

/// Fails the test if `future` takes too long.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> F::Output {
    timeout(limit, future).await.expect("in time")
}

/// Tries until `attempt` has a result, and fails the test if that takes too long.
pub(crate) async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, async {
        loop {
            if let Some(result) = attempt().await {
                return result;
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}
