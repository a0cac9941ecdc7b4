//! The server process: its start, its answer, its end.

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
    sockets::Sockets,
};

/// How long a start may take: recovering after a crash replays up to 4 GB of log.
const START_PATIENCE: Duration = Duration::from_secs(300);

/// How often a long start is reported.
const REPORTED: Duration = Duration::from_secs(10);

/// How often a starting server is asked.
const POLL: Duration = Duration::from_millis(25);

/// How long each way of ending the server is given: in order, at once, by force.
const ENDINGS: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(30)),
    (Signal::SIGQUIT, Duration::from_secs(10)),
    (Signal::SIGKILL, Duration::from_secs(10)),
];

/// All that is needed to start the server, again and again.
#[derive(Debug)]
pub(super) struct Launch {
    /// The programs of the cluster's version.
    pub(super) programs: Programs,
    /// Who runs them.
    pub(super) owner: Owner,
    /// The cluster's folder, without symbolic links.
    pub(super) cluster: PathBuf,
    /// The settings, as flags.
    pub(super) flags: Vec<std::ffi::OsString>,
    /// Where the server listens.
    pub(super) sockets: Sockets,
    /// What the server says before it opens its own log.
    pub(super) start_log: PathBuf,
}

impl Launch {
    /// Starts the server in a process group of its own: an interrupt typed at the terminal is
    /// for us, who drain first.
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

    /// A new file each time, since the old one may be of another user: root, or not.
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

/// A server that was started. Dropping it asks it to shut down.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
}

impl Postmaster {
    /// The process, as long as it was not seen to end.
    pub(super) fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until the server takes connections.
    pub(super) async fn answers(&mut self, launch: &Launch) -> Result<(), Error> {
        let began = Instant::now();
        let mut reported = began;
        while began.elapsed() < START_PATIENCE {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Error::Exited {
                    status,
                    log: launch.log(),
                });
            }
            if database::answers(launch.sockets.folder()).await {
                return Ok(());
            }
            if reported.elapsed() >= REPORTED {
                reported = Instant::now();
                info!(
                    "PostgreSQL is still starting, after {} s",
                    began.elapsed().as_secs()
                );
            }
            sleep(POLL).await;
        }
        Err(Error::NoAnswer {
            waited: START_PATIENCE,
            log: launch.log(),
        })
    }

    /// Waits until the server has ended; how it did is not known if we cannot wait for it.
    pub(super) async fn ended(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Ends the server, harder and harder.
    pub(super) async fn stop(mut self) -> Result<(), Error> {
        let Some(process_id) = self.process_id() else {
            return Ok(());
        };
        for (signal, patience) in ENDINGS {
            if signal != Signal::SIGINT {
                warn!("PostgreSQL has not shut down yet: sending {signal}");
            }
            self.signal(signal);
            if timeout(patience, self.child.wait()).await.is_ok() {
                let killed = signal == Signal::SIGKILL;
                return if killed {
                    Err(Error::WouldNotStop { process_id })
                } else {
                    Ok(())
                };
            }
        }
        Err(Error::WouldNotStop { process_id })
    }

    /// Our child keeps its number until we have waited for it, so this cannot hit another.
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
