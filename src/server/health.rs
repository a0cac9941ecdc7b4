//! `grpc.health.v1`: not serving until the server can answer, and from the moment it is to stop.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

/// How often readiness is asked for, and how long the answer may take: together below the 2
/// seconds within which a change is to be seen.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The health of the whole server (`""`) and of each service, which are one.
pub(super) struct Health {
    reporter: HealthReporter,
    names: Vec<&'static str>,
    serving: bool,
}

impl Health {
    /// Not serving yet. tonic's reporter starts as SERVING, so this comes before any connection.
    pub(super) async fn new(services: &[&'static str]) -> Self {
        let mut health = Self {
            reporter: HealthReporter::new(),
            names: [&[""], services].concat(),
            serving: false,
        };
        health.tell(false).await;
        health
    }

    /// The service that tells it.
    pub(super) fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Follows `ready` until `shutdown`, then says not serving for good. The first time that it
    /// says serving, `announce` is called.
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
        // Whatever a change in the middle of its announcement has left.
        self.tell(false).await;
    }

    /// Tells and logs a change; answers what it is now.
    async fn set(&mut self, serving: bool) -> bool {
        if self.serving != serving {
            self.tell(serving).await;
            match serving {
                true => tracing::info!("ready: the database answers"),
                false => tracing::warn!("not ready: the database does not answer"),
            }
        }
        serving
    }

    async fn tell(&mut self, serving: bool) {
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
