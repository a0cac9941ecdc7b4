//! Listens, guards every call, drains.
//!
//! [`serve`] takes the services of the api and puts around them what a client may expect of a
//! gRPC server: health, reflection, deadlines that hold, errors with details, bounds on what one
//! client can take, and a shutdown that ends. What tonic does not do by itself is in the modules
//! here, one concern each.

mod admission;
mod bounded;
mod catch_panic;
mod connection;
mod connections;
mod deadline;
mod grpc_timeout;
mod guard;
mod health;
mod http2;
mod identify;
mod limits;
mod methods;
mod reflection;
pub mod signal;
mod status;
mod trace;
mod translate;

use std::{future::Future, sync::Arc, time::Duration};

use admission::Admission;
use catch_panic::CatchPanic;
use connections::Connections;
use deadline::Deadline;
use guard::{Answering, Calls, Guarded};
use health::Health;
use identify::Identify;
pub use limits::Limits;
use methods::Methods;
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tonic::service::Routes;
use tower::ServiceBuilder;
use trace::Trace;
use translate::Translate;

/// How long a status may take to reach its caller when the drain has been given up.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Which way the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every call was answered and every connection closed.
    Clean,
    /// The drain took too long; this much was open then.
    Abandoned {
        /// Open connections.
        connections: usize,
        /// Calls being handled, health checks not counted. They were answered UNAVAILABLE.
        calls: usize,
    },
}

/// The server could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The descriptors compiled into the program cannot be read.
    #[error("the service descriptors cannot be read")]
    Descriptors(#[from] prost::DecodeError),
    /// Reflection does not accept them.
    #[error("the service descriptors cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves `routes`, with health and reflection added, on `listener` until `shutdown` is cancelled
/// and the open calls have ended or `limits.drain_timeout` has passed.
///
/// `services` are the full names whose health is told; they and the server as a whole are SERVING
/// while `ready` says so. It is asked twice a second and has a second to answer.
///
/// Long streams are to watch `shutdown` and end by themselves; when it is cancelled the order is:
/// NOT_SERVING everywhere, no new calls (UNAVAILABLE) or connections, GOAWAY, the wait, and at its
/// end UNAVAILABLE for every call that is still open.
///
/// # Errors
///
/// If the server cannot be set up. Once it is, no failure of a client or a call ends it.
pub async fn serve<R, F>(
    listener: TcpListener,
    routes: Routes,
    services: &[&'static str],
    ready: R,
    limits: Limits,
    shutdown: CancellationToken,
) -> Result<Drained, Error>
where
    R: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = bool> + Send + 'static,
{
    serve_and_announce(listener, routes, services, ready, || (), limits, shutdown).await
}

/// As [`serve`]; calls `announce` once, as soon as calls are accepted and the health is SERVING.
///
/// # Errors
///
/// As [`serve`].
pub async fn serve_and_announce<R, F>(
    listener: TcpListener,
    routes: Routes,
    services: &[&'static str],
    ready: R,
    announce: impl FnOnce() + Send + 'static,
    limits: Limits,
    shutdown: CancellationToken,
) -> Result<Drained, Error>
where
    R: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = bool> + Send + 'static,
{
    let methods = Arc::new(Methods::new(&reflection::DESCRIPTOR_SETS)?);
    let calls = Arc::new(Semaphore::new(limits.max_calls));
    let drain = Drain::default();

    let health = Health::new(services).await;
    let routes = reflection::add_to(routes.add_service(health.server()))?;
    let unhealthy = AbortOnDropHandle::new(tokio::spawn(health.follow(ready, announce, shutdown)));

    let service = guarded(routes, methods, &limits, &calls, &drain);
    let mut connections = Connections::new(service, limits.clone(), drain.begun.clone());
    // Telling the health ends with the shutdown, when everyone who asks has been told.
    connections.accept(listener, unhealthy).await;
    drain.begun.cancel();
    tracing::info!("draining: no new calls, waiting for the open ones");
    if timeout(limits.drain_timeout, connections.closed())
        .await
        .is_ok()
    {
        return Ok(Drained::Clean);
    }
    let left = Drained::Abandoned {
        connections: connections.count(),
        calls: limits.max_calls - calls.available_permits(),
    };
    drain.given_up.cancel();
    // Whether or not the last answers get through, this is the end.
    let _ = timeout(LAST_WORDS, connections.closed()).await;
    Ok(left)
}

/// The steps of a shutdown that calls notice.
#[derive(Default)]
struct Drain {
    /// No new calls; those that would never end, end.
    begun: CancellationToken,
    /// Every call ends.
    given_up: CancellationToken,
}

/// The routes with all that stands around every call.
fn guarded(
    routes: Routes,
    methods: Arc<Methods>,
    limits: &Limits,
    calls: &Arc<Semaphore>,
    drain: &Drain,
) -> Answering<impl Calls + use<>> {
    let calls = ServiceBuilder::new()
        // Outermost: all that follows, the log included, names the call by its id.
        .layer(Guarded::by(Identify))
        // Outside all that answers, so that the log has what the caller got.
        .layer(Guarded::by(Trace {
            methods: Arc::clone(&methods),
        }))
        // Outside all that fails, so that every error gets its details.
        .layer(Guarded::by(Translate))
        // Outside the admission, so that a call whose time is up gives its place back even if
        // nobody reads its answer.
        .layer(Guarded::by(Deadline {
            methods,
            max_unary_time: limits.max_unary_time,
            max_stream_time: limits.max_stream_time,
            draining: drain.begun.clone(),
            abandoned: drain.given_up.clone(),
        }))
        // Outside the handler, whose stream holds the call's place until it is dropped.
        .layer(Guarded::by(Admission {
            calls: Arc::clone(calls),
            draining: drain.begun.clone(),
        }))
        // Innermost: a panic unwinds through nothing but the handler.
        .layer(Guarded::by(CatchPanic))
        .service(routes.prepare());
    Answering::with(calls)
}
