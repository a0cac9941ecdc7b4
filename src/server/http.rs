//! The HTTP listener for probes and metrics. It is plain and knows no callers: for the inner network.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::metrics::{self, READY};

/// Open connections; one more is closed. Each serves one request.
const MAX_CONNECTIONS: usize = 64;

/// How long a connection may take in all.
const MAX_TIME: Duration = Duration::from_secs(10);

/// How often samples of histograms are taken in.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The format of what Prometheus reads.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What `/readyz` answers.
#[derive(Clone)]
pub struct ReadyState {
    /// Why the service is not ready, if so.
    obstacle: Arc<Mutex<Option<String>>>,
    shutdown: CancellationToken,
}

impl ReadyState {
    /// Not ready, for this reason; and never again once `shutdown` is cancelled.
    pub fn not_yet(reason: &str, shutdown: CancellationToken) -> Self {
        let obstacle = Arc::new(Mutex::new(Some(reason.to_owned())));
        Self { obstacle, shutdown }
    }

    /// Ready, or not for this reason.
    pub fn set(&self, obstacle: Option<&str>) {
        *self.obstacle.lock().unwrap_or_else(PoisonError::into_inner) = obstacle.map(str::to_owned);
    }

    fn obstacle(&self) -> Option<String> {
        if self.shutdown.is_cancelled() {
            return Some("shutting down".to_owned());
        }
        let obstacle = self.obstacle.lock().unwrap_or_else(PoisonError::into_inner);
        obstacle.clone()
    }
}

/// Serves `/metrics`, `/livez` and `/readyz` until it is dropped.
pub async fn serve(listener: TcpListener, ready: ReadyState) {
    let routes = Router::new()
        .route("/metrics", get(read_metrics))
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(read_readiness))
        .with_state(ready);
    let mut connections = JoinSet::new();
    let mut upkeep = interval(UPKEEP_INTERVAL);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < MAX_CONNECTIONS => {
                    connections.spawn(timeout(MAX_TIME, answer(stream, routes.clone())));
                }
                Ok(_) => {}
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
            _ = upkeep.tick() => metrics::upkeep(),
        }
    }
}

async fn answer(stream: TcpStream, routes: Router) {
    let mut http1 = Builder::new(TokioExecutor::new()).http1_only();
    http1.http1().keep_alive(false);
    let service = TowerToHyperService::new(routes);
    // A client that breaks off needs nothing.
    let _ = http1.serve_connection(TokioIo::new(stream), service).await;
}

async fn read_metrics(State(ready): State<ReadyState>) -> Response {
    let is_ready = ready.obstacle().is_none();
    READY.gauge(&[]).set(f64::from(is_ready));
    ([(header::CONTENT_TYPE, TEXT)], metrics::render()).into_response()
}

async fn read_readiness(State(ready): State<ReadyState>) -> Response {
    match ready.obstacle() {
        None => "ready\n".into_response(),
        Some(reason) => {
            let text = format!("not ready: {reason}\n");
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}
