//! Keeps the server running: restarts it when it dies, until it is stopped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Error, database, logs, orphans,
    postmaster::{Postmaster, ServerCommand},
};

/// Number of attempts of the first start, if the server exits while starting. Few, so that a
/// permanent fault is reported soon.
const FIRST_START_ATTEMPTS: u32 = 3;

/// How long the first start waits for backends of an earlier server.
const BLOCKED_TIMEOUT: Duration = Duration::from_secs(60);

/// Back-off between attempts: doubles from the first to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Interval of log lines while the server cannot be restarted.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);

/// Interval of removing old log files.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);

/// The server and what is needed to restart it.
#[derive(Debug)]
pub(super) struct Supervisor {
    command: ServerCommand,
    postmaster: Option<Postmaster>,
    /// The process id of a server that accepts connections, else 0.
    process_id: Arc<AtomicU32>,
}

impl Supervisor {
    /// Starts the server for the first time and prepares the database. After a failure nothing
    /// is left running.
    pub(super) async fn start(command: ServerCommand) -> Result<Self, Error> {
        let mut supervisor = Self {
            command,
            postmaster: None,
            process_id: Arc::default(),
        };
        match supervisor.start_first().await {
            Ok(()) => Ok(supervisor),
            Err(error) => {
                // The cause of the failed start is more useful than that of the failed stop.
                let _ = supervisor.shut_down().await;
                Err(error)
            }
        }
    }

    async fn start_first(&mut self) -> Result<(), Error> {
        orphans::end(&self.command.cluster, self.command.sockets.folder()).await?;
        let began = Instant::now();
        let mut failures = 0;
        while let Err(error) = self.attempt().await {
            failures += u32::from(!is_blocked_by_backends(&error));
            let retry = matches!(error, Error::Exited { .. })
                && failures < FIRST_START_ATTEMPTS
                && began.elapsed() < BLOCKED_TIMEOUT;
            if !retry {
                return Err(error);
            }
            sleep(Duration::from_millis(500)).await;
        }
        let major = self.command.programs.version.major();
        database::prepare(self.command.sockets.folder(), major).await
    }

    /// Starts the server unless it is already starting, and waits until it accepts connections.
    async fn attempt(&mut self) -> Result<(), Error> {
        let postmaster = match &mut self.postmaster {
            Some(postmaster) => postmaster,
            none => none.insert(self.command.spawn()?),
        };
        let answered = postmaster.answers(&self.command).await;
        match &answered {
            Ok(()) => {
                self.process_id
                    .store(postmaster.process_id().unwrap_or(0), Ordering::Release);
            }
            Err(Error::Exited { .. }) => self.postmaster = None,
            Err(_) => {}
        }
        answered
    }

    /// The process id of a server that accepts connections, else 0.
    pub(super) fn process_id(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.process_id)
    }

    /// Keeps the server running until `stopping`, then shuts it down.
    pub(super) async fn run(mut self, stopping: CancellationToken) -> Result<(), Error> {
        // `shut_down` stops whatever is running when the token is cancelled.
        stopping.run_until_cancelled(self.keep_running()).await;
        self.shut_down().await
    }

    async fn keep_running(&mut self) {
        loop {
            self.wait_for_exit().await;
            self.process_id.store(0, Ordering::Release);
            let died = Instant::now();
            self.restart().await;
            info!(
                "PostgreSQL is available again after {} ms",
                died.elapsed().as_millis()
            );
        }
    }

    /// Waits for the server to exit, and removes old log files.
    async fn wait_for_exit(&mut self) {
        let Some(postmaster) = &mut self.postmaster else {
            return;
        };
        let mut pruning = interval(PRUNE_INTERVAL);
        let status = loop {
            tokio::select! {
                status = postmaster.ended() => break status,
                _ = pruning.tick() => logs::prune(&self.command.cluster),
            }
        };
        self.postmaster = None;
        let status =
            status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string());
        warn!("PostgreSQL exited ({status}); restarting it");
    }

    /// Retries until the server accepts connections.
    async fn restart(&mut self) {
        let mut pause = BACKOFF.0;
        let mut reported = Instant::now();
        while let Err(error) = self.attempt_restart().await {
            if reported.elapsed() >= REPORT_INTERVAL {
                reported = Instant::now();
                warn!("PostgreSQL cannot be restarted yet: {error}");
            }
            sleep(pause).await;
            pause = (pause * 2).min(BACKOFF.1);
        }
    }

    /// Waits until the backends of the dead server are gone, then starts a new one.
    async fn attempt_restart(&mut self) -> Result<(), Error> {
        if self.postmaster.is_none() {
            orphans::end(&self.command.cluster, self.command.sockets.folder()).await?;
        }
        self.attempt().await
    }

    async fn shut_down(&mut self) -> Result<(), Error> {
        self.process_id.store(0, Ordering::Release);
        if let Some(postmaster) = self.postmaster.take() {
            postmaster.stop().await?;
        }
        self.command.sockets.clear();
        Ok(())
    }
}

/// Whether backends of an earlier server still hold its shared memory; they exit by themselves.
fn is_blocked_by_backends(error: &Error) -> bool {
    matches!(error, Error::Exited { log, .. } if log.contains("pre-existing shared memory block"))
}
