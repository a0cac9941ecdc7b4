//! The server process: starts it, waits until it accepts connections, stops it.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::ExitStatus,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};
use tracing::{info, warn};

use super::{
    Error, database, logs,
    owner::{self, Owner},
    programs::Programs,
    sockets::SocketDir,
};

/// Time limit of a start: crash recovery replays up to 4 GB of WAL.
const START_TIMEOUT: Duration = Duration::from_secs(300);

/// Interval of log lines during a long start.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Interval of connection attempts to a starting server.
const POLL: Duration = Duration::from_millis(25);

/// Fast shutdown, immediate shutdown, kill; and the time limit of each.
const STOP_STEPS: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(30)),
    (Signal::SIGQUIT, Duration::from_secs(10)),
    (Signal::SIGKILL, Duration::from_secs(10)),
];

/// What is needed to start and restart the server.
#[derive(Debug)]
pub(super) struct ServerCommand {
    /// The programs of the cluster's version.
    pub(super) programs: Programs,
    /// The user that runs them.
    pub(super) owner: Owner,
    /// The cluster's directory, without symbolic links.
    pub(super) cluster: PathBuf,
    /// The settings, as flags.
    pub(super) flags: Vec<std::ffi::OsString>,
    /// The directory with the server's socket.
    pub(super) sockets: SocketDir,
    /// Receives the server's output until it opens its own log.
    pub(super) start_log: PathBuf,
}

impl ServerCommand {
    /// Starts the server in its own process group, so that Ctrl-C in a terminal reaches only
    /// this process, which drains first.
    pub(super) fn spawn(&self) -> Result<Postmaster, Error> {
        logs::prune(&self.cluster);
        let log = self
            .new_start_log()
            .map_err(|source| owner::denied(&self.start_log, source))?;
        let program = self.programs.postgres();
        let mut command = Command::from(self.owner.command(&program));
        command.arg("-D").arg(&self.cluster).args(&self.flags);
        command.stdout(log.0).stderr(log.1).process_group(0);
        match command.spawn() {
            Ok(child) => Ok(Postmaster { child }),
            Err(source) => Err(Error::Program { program, source }),
        }
    }

    /// A new file each time, since the old one may belong to another user.
    fn new_start_log(&self) -> std::io::Result<(File, File)> {
        let _ = fs::remove_file(&self.start_log);
        let file = File::create_new(&self.start_log)?;
        Ok((file.try_clone()?, file))
    }

    /// The end of the server's logs.
    pub(super) fn log(&self) -> String {
        logs::end(&self.start_log, &self.cluster)
    }
}

/// A started server. Dropping it sends a fast shutdown.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
}

impl Postmaster {
    /// The process id, until the exit was observed.
    pub(super) fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until the server accepts connections.
    pub(super) async fn answers(&mut self, command: &ServerCommand) -> Result<(), Error> {
        let began = Instant::now();
        let mut reported = began;
        while began.elapsed() < START_TIMEOUT {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Error::Exited {
                    status,
                    log: command.log(),
                });
            }
            if database::accepts_connections(command.sockets.folder(), &command.cluster).await? {
                return Ok(());
            }
            if reported.elapsed() >= REPORT_INTERVAL {
                reported = Instant::now();
                info!(
                    "PostgreSQL is still starting after {} s",
                    began.elapsed().as_secs()
                );
            }
            sleep(POLL).await;
        }
        Err(Error::NoAnswer {
            waited: START_TIMEOUT,
            log: command.log(),
        })
    }

    /// Waits until the server has exited; `None` if its status cannot be read.
    pub(super) async fn ended(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Stops the server, with stronger signals as time limits pass.
    pub(super) async fn stop(mut self) -> Result<(), Error> {
        let Some(process_id) = self.process_id() else {
            return Ok(());
        };
        for (signal, limit) in STOP_STEPS {
            if signal != Signal::SIGINT {
                warn!("PostgreSQL is still running: sending {signal}");
            }
            self.signal(signal);
            if timeout(limit, self.child.wait()).await.is_ok() {
                let killed = signal == Signal::SIGKILL;
                return if killed {
                    Err(Error::Killed { process_id })
                } else {
                    Ok(())
                };
            }
        }
        Err(Error::Killed { process_id })
    }

    /// A child keeps its process id until it is waited for, so this signals no other process.
    fn signal(&self, signal: Signal) {
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = kill(Pid::from_raw(id), signal);
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        self.signal(Signal::SIGINT);
    }
}
