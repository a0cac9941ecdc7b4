//! `grpc.health.v1`: SERVING while the service is ready, NOT_SERVING before that and from the start
//! of a shutdown on.

use std::{error::Error, future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, codegen::BoxStream};
use tonic_health::{
    ServingStatus,
    pb::{
        HealthCheckRequest, HealthCheckResponse,
        health_check_response::ServingStatus as ReportedStatus,
        health_server::{Health, HealthServer},
    },
    server::{HealthReporter, HealthService},
};

use crate::telemetry::causes;

/// How often readiness is checked, and how long a check may take: together below the 2 seconds
/// within which clients must see a change.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a server that has not been checked yet is not ready.
const STARTING: &str = "starting";

/// One health for the whole server (`""`) and each service.
pub(super) struct Readiness {
    reporter: HealthReporter,
    names: Vec<&'static str>,
    /// Why it is not ready, if so.
    obstacle: Option<String>,
}

impl Readiness {
    /// Starts as NOT_SERVING. tonic's reporter starts as SERVING, so this must be called before
    /// any connection is accepted.
    pub(super) async fn new(services: &[&'static str]) -> Self {
        let mut readiness = Self {
            reporter: HealthReporter::new(),
            names: [&[""], services].concat(),
            obstacle: Some(STARTING.to_owned()),
        };
        readiness.report(ServingStatus::NotServing).await;
        readiness
    }

    pub(super) fn server(&self) -> HealthServer<HealthChecks> {
        let service = HealthService::from_health_reporter(self.reporter.clone());
        HealthServer::new(HealthChecks(service))
    }

    /// Follows `ready` until `shutdown`, then stays NOT_SERVING. Calls `changed` whenever it begins to
    /// be SERVING, and whenever it is not, with the reason.
    pub(super) async fn follow<R, F, E>(
        mut self,
        ready: R,
        mut changed: impl FnMut(Option<&str>),
        shutdown: CancellationToken,
    ) where
        R: Fn() -> F,
        F: Future<Output = Result<(), E>>,
        E: Error + 'static,
    {
        let probing = async {
            loop {
                if self.set(probe(&ready).await).await {
                    changed(self.obstacle.as_deref());
                }
                sleep(PROBE_INTERVAL).await;
            }
        };
        shutdown.run_until_cancelled(probing).await;
        // Also completes a change that was cancelled half-way.
        self.report(ServingStatus::NotServing).await;
    }

    /// Reports and logs a change; returns whether there was one. Causes are logged with the first
    /// failure only: they may differ from probe to probe.
    async fn set(&mut self, probed: Result<(), Obstacle>) -> bool {
        match probed {
            Ok(()) if self.obstacle.is_some() => {
                self.report(ServingStatus::Serving).await;
                self.obstacle = None;
                tracing::info!("ready: the database answers");
            }
            Err(Obstacle { reason, causes }) if self.obstacle.as_ref() != Some(&reason) => {
                self.report(ServingStatus::NotServing).await;
                tracing::warn!("not ready: {reason}{causes}");
                self.obstacle = Some(reason);
            }
            Ok(()) | Err(_) => return false,
        }
        true
    }

    async fn report(&mut self, status: ServingStatus) {
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
    }
}

/// Why the service is not ready.
struct Obstacle {
    reason: String,
    /// Each after a colon.
    causes: String,
}

/// A probe that takes too long or panics means not ready.
async fn probe<F, E>(ready: impl Fn() -> F) -> Result<(), Obstacle>
where
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let answer = AssertUnwindSafe(async { ready().await }).catch_unwind();
    let failed = |reason: &str| Obstacle {
        reason: reason.to_owned(),
        causes: String::new(),
    };
    match timeout(PROBE_TIMEOUT, answer).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => Err(Obstacle {
            reason: error.to_string(),
            causes: causes(&error).map_or_else(String::new, |it| format!(": {it}")),
        }),
        Ok(Err(_)) => Err(failed("the check of the database panicked")),
        Err(_) => Err(failed("the database does not answer in time")),
    }
}

/// tonic's checks, but a watch of an unknown service stays open, as the protocol wants it.
#[derive(Debug)]
pub(super) struct HealthChecks(HealthService);

#[tonic::async_trait]
impl Health for HealthChecks {
    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.0.check(request).await
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        match self.0.watch(request).await {
            Ok(known) => Ok(known.map(|statuses| statuses.boxed() as Self::WatchStream)),
            Err(status) if status.code() == Code::NotFound => {
                let unknown = HealthCheckResponse {
                    status: ReportedStatus::ServiceUnknown.into(),
                };
                // All services are known from the start.
                let statuses = stream::iter([Ok(unknown)]).chain(stream::pending());
                Ok(Response::new(Box::pin(statuses)))
            }
            Err(status) => Err(status),
        }
    }
}
