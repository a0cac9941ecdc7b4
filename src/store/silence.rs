//! Closes a half-open connection, on which nothing comes any more although the database answers on others:
//! its packets are lost on the way, without a reset. Its requests then fail as on any broken connection;
//! otherwise they, and calls that wait for them, would wait until their deadlines.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Bool, Integer},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;
use tokio::{task::AbortHandle, time::sleep};

use crate::telemetry::due_line;

/// How long a request may wait before it is checked whether the database works on it.
const LIMIT: Duration = Duration::from_secs(2);

/// How often that is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// Whether requests of one connection wait for their answers, and since when nothing was sent or received.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    requests: usize,
    since: Option<Instant>,
}

impl Traffic {
    /// For how long a request has waited for its answer while nothing arrived.
    pub(super) fn silence(&self) -> Duration {
        let waiting = self.waiting();
        let since = waiting.since.filter(|_| waiting.requests > 0);
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(super) fn sent(&self, requests: usize) {
        let mut waiting = self.waiting();
        waiting.requests += requests;
        waiting.since = Some(Instant::now());
    }

    pub(super) fn received(&self, answers: usize) {
        let mut waiting = self.waiting();
        waiting.requests = waiting.requests.saturating_sub(answers);
        waiting.since = Some(Instant::now());
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds out whether a backend is idle; false if that cannot be found out.
pub(super) type IdleCheck = Arc<dyn Fn(i32) -> BoxFuture<'static, bool> + Send + Sync>;

/// Watches a connection until it ends, and ends it if it is silent.
pub(super) fn watch(traffic: Traffic, driver: AbortHandle, backend: i32, is_idle: IdleCheck) {
    tokio::spawn(async move {
        while !driver.is_finished() {
            sleep(INTERVAL).await;
            let is_silent = || traffic.silence() >= LIMIT;
            if is_silent() && is_idle(backend).await && is_silent() {
                if let Some(due) = due_line("a silent database connection", 0) {
                    let left_out = due.left_out;
                    tracing::warn!(
                        left_out,
                        "a database connection was closed: an answer did not arrive"
                    );
                }
                driver.abort();
            }
        }
    });
}

/// Whether the backend has been idle for a second, or is gone.
pub(super) async fn is_idle(conn: &mut AsyncPgConnection, backend: i32) -> QueryResult<bool> {
    const QUERY: &str = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 \
        AND (state IS NULL OR state NOT LIKE 'idle%' \
            OR state_change > clock_timestamp() - interval '1 second')) AS idle";
    let idle: IsIdle = diesel::sql_query(QUERY)
        .bind::<Integer, _>(backend)
        .get_result(conn)
        .await?;
    Ok(idle.idle)
}

#[derive(QueryableByName)]
struct IsIdle {
    #[diesel(sql_type = Bool)]
    idle: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_silent_until_every_answer_has_come() {
        let traffic = Traffic::default();
        assert_eq!(traffic.silence(), Duration::ZERO);
        traffic.sent(2);
        traffic.received(1);
        std::thread::sleep(Duration::from_millis(1));
        assert!(traffic.silence() > Duration::ZERO);
        traffic.received(1);
        assert_eq!(traffic.silence(), Duration::ZERO);
    }
}
