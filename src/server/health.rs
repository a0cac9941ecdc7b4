//! `grpc.health.v1`: SERVING while the service is ready, NOT_SERVING before that and from the start
//! of a shutdown on.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

/// How often readiness is checked, and how long a check may take: together below the 2 seconds
/// within which clients must see a change.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// One health for the whole server (`""`) and each service.
pub(super) struct Health {
    reporter: HealthReporter,
    names: Vec<&'static str>,
    serving: bool,
}

impl Health {
    /// Starts as NOT_SERVING. tonic's reporter starts as SERVING, so this must be called before
    /// any connection is accepted.
    pub(super) async fn new(services: &[&'static str]) -> Self {
        let mut health = Self {
            reporter: HealthReporter::new(),
            names: [&[""], services].concat(),
            serving: false,
        };
        health.report(false).await;
        health
    }

    pub(super) fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Follows `ready` until `shutdown`, then stays NOT_SERVING. Calls `announce` when it is
    /// SERVING for the first time.
    pub(super) async fn follow<R, F>(
        mut self,
        ready: R,
        announce: impl FnOnce(),
        shutdown: CancellationToken,
    ) where
        R: Fn() -> F,
        F: Future<Output = bool>,
    {
        let probing = async {
            while !self.set(probe(&ready).await).await {
                sleep(PROBE_INTERVAL).await;
            }
            announce();
            loop {
                sleep(PROBE_INTERVAL).await;
                self.set(probe(&ready).await).await;
            }
        };
        shutdown.run_until_cancelled(probing).await;
        // Also completes a change that was cancelled half-way.
        self.report(false).await;
    }

    /// Reports and logs a change; returns `serving`.
    async fn set(&mut self, serving: bool) -> bool {
        if self.serving != serving {
            self.report(serving).await;
            match serving {
                true => tracing::info!("ready: the database answers"),
                false => tracing::warn!("not ready: the database does not answer"),
            }
        }
        serving
    }

    async fn report(&mut self, serving: bool) {
        let status = match serving {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
        self.serving = serving;
    }
}

/// A probe that takes too long or panics means not ready.
async fn probe<F: Future<Output = bool>>(ready: impl Fn() -> F) -> bool {
    let answer = AssertUnwindSafe(async { ready().await }).catch_unwind();
    matches!(timeout(PROBE_TIMEOUT, answer).await, Ok(Ok(true)))
}
