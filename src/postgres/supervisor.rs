//! Keeps the server running: one that dies is started again, until we are told to stop.

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
    Error, database, leftover, logs,
    postmaster::{Launch, Postmaster},
};

/// How often a server that ends while starting is tried at first: a lasting fault is to be
/// told soon.
const FIRST_ATTEMPTS: u32 = 3;

/// How long a first start waits for backends of an earlier server.
const BLOCKED_PATIENCE: Duration = Duration::from_secs(60);

/// The waits between attempts double from the first to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How often a server that cannot be started again is reported.
const REPORTED: Duration = Duration::from_secs(30);

/// How often old logs are looked for.
const PRUNED: Duration = Duration::from_secs(60);

/// The server and what is needed to start it again.
#[derive(Debug)]
pub(super) struct Supervisor {
    launch: Launch,
    postmaster: Option<Postmaster>,
    /// The server's process while it answers, 0 while it does not.
    process_id: Arc<AtomicU32>,
}

impl Supervisor {
    /// Starts the server for the first time and prepares the database. If that fails nothing
    /// is left running.
    pub(super) async fn start(launch: Launch) -> Result<Self, Error> {
        let mut supervisor = Self {
            launch,
            postmaster: None,
            process_id: Arc::default(),
        };
        match supervisor.start_first().await {
            Ok(()) => Ok(supervisor),
            Err(error) => {
                // Why it did not start says more than how it was ended.
                let _ = supervisor.shut_down().await;
                Err(error)
            }
        }
    }

    async fn start_first(&mut self) -> Result<(), Error> {
        leftover::end(&self.launch.cluster, self.launch.sockets.folder()).await?;
        let began = Instant::now();
        let mut failures = 0;
        while let Err(error) = self.attempt().await {
            failures += u32::from(!is_blocked(&error));
            let worth_it = matches!(error, Error::Exited { .. })
                && failures < FIRST_ATTEMPTS
                && began.elapsed() < BLOCKED_PATIENCE;
            if !worth_it {
                return Err(error);
            }
            sleep(Duration::from_millis(500)).await;
        }
        let major = self.launch.programs.version.major();
        database::prepare(self.launch.sockets.folder(), major).await
    }

    /// Starts the server unless it is already starting, and waits until it answers.
    async fn attempt(&mut self) -> Result<(), Error> {
        let postmaster = match &mut self.postmaster {
            Some(postmaster) => postmaster,
            none => none.insert(self.launch.spawn()?),
        };
        let answered = postmaster.answers(&self.launch).await;
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

    /// Where the server's process is told.
    pub(super) fn process_id(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.process_id)
    }

    /// Keeps the server running until `stopping`, then shuts it down.
    pub(super) async fn run(mut self, stopping: CancellationToken) -> Result<(), Error> {
        // Both orders of a death and a stop are fine: what is running then is what is ended.
        stopping.run_until_cancelled(self.keep_running()).await;
        self.shut_down().await
    }

    async fn keep_running(&mut self) {
        loop {
            self.until_death().await;
            self.process_id.store(0, Ordering::Release);
            let died = Instant::now();
            self.start_again().await;
            info!(
                "PostgreSQL answers again, after {} ms",
                died.elapsed().as_millis()
            );
        }
    }

    /// Watches the server, and keeps its logs few meanwhile.
    async fn until_death(&mut self) {
        let Some(postmaster) = &mut self.postmaster else {
            return;
        };
        let mut pruning = interval(PRUNED);
        let status = loop {
            tokio::select! {
                status = postmaster.ended() => break status,
                _ = pruning.tick() => logs::prune(&self.launch.cluster),
            }
        };
        self.postmaster = None;
        let status =
            status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string());
        warn!("PostgreSQL died ({status}): starting it again");
    }

    /// Tries until the server answers; the service cannot do anything without it.
    async fn start_again(&mut self) {
        let mut pause = BACKOFF.0;
        let mut reported = Instant::now();
        while let Err(error) = self.attempt_again().await {
            if reported.elapsed() >= REPORTED {
                reported = Instant::now();
                warn!("PostgreSQL cannot be started again yet: {error}");
            }
            sleep(pause).await;
            pause = (pause * 2).min(BACKOFF.1);
        }
    }

    /// Backends of the dead server must be gone before a new one may touch the cluster.
    async fn attempt_again(&mut self) -> Result<(), Error> {
        if self.postmaster.is_none() {
            leftover::end(&self.launch.cluster, self.launch.sockets.folder()).await?;
        }
        self.attempt().await
    }

    async fn shut_down(&mut self) -> Result<(), Error> {
        self.process_id.store(0, Ordering::Release);
        if let Some(postmaster) = self.postmaster.take() {
            postmaster.stop().await?;
        }
        self.launch.sockets.clear();
        Ok(())
    }
}

/// Whether backends of an earlier server still hold its memory, which ends by itself.
fn is_blocked(error: &Error) -> bool {
    matches!(error, Error::Exited { log, .. } if log.contains("pre-existing shared memory block"))
}
