//! Stops PostgreSQL processes of an earlier run that was killed.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::{Error, processes, sockets::PORT};

/// Interval of looking for processes.
const POLL: Duration = Duration::from_millis(50);

/// Time limit of a fast shutdown, which includes writing a checkpoint.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// Time limit for processes that are expected to exit by themselves or were signalled.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Stops every PostgreSQL process of `cluster` and removes its stale files. The caller holds the
/// cluster's lock, so none of the processes belongs to another running service.
pub(super) async fn end(cluster: &Path, sockets: &Path) -> Result<(), Error> {
    let server = processes::recorded(cluster).filter(|id| processes::of(cluster).contains(id));
    if let Some(id) = server {
        info!(
            "found a PostgreSQL still running from an earlier run (process {id}); stopping it first"
        );
        signal(&[id], Signal::SIGINT);
    }
    // Backends without a postmaster exit by themselves soon.
    let timeout = if server.is_some() {
        SHUTDOWN_TIMEOUT
    } else {
        EXIT_TIMEOUT
    };
    let mut left = remaining(cluster, timeout).await;
    for harder in [Signal::SIGQUIT, Signal::SIGKILL] {
        if left.is_empty() {
            break;
        }
        warn!("PostgreSQL of an earlier run is still running: sending {harder}");
        signal(&left, harder);
        left = remaining(cluster, EXIT_TIMEOUT).await;
    }
    match left.first() {
        Some(id) => Err(Error::OrphanRunning {
            process_id: id.as_raw(),
            cluster: cluster.to_owned(),
        }),
        None => remove_stale_files(cluster, sockets),
    }
}

/// The processes that are left after at most `timeout`.
async fn remaining(cluster: &Path, timeout: Duration) -> Vec<Pid> {
    let deadline = Instant::now() + timeout;
    loop {
        let left = processes::of(cluster);
        if left.is_empty() || Instant::now() >= deadline {
            return left;
        }
        sleep(POLL).await;
    }
}

fn signal(processes: &[Pid], signal: Signal) {
    for id in processes {
        // It may have exited in the meantime.
        let _ = kill(*id, signal);
    }
}

/// Removes the pid and lock files of a server that is gone. PostgreSQL does so itself, but not
/// while another process, or a zombie, has the recorded process id. If that process can be a
/// server of the cluster, the file stays, and PostgreSQL refuses to start.
fn remove_stale_files(cluster: &Path, sockets: &Path) -> Result<(), Error> {
    let lives_elsewhere =
        |id: &Pid| kill(*id, None).is_ok() && processes::is_elsewhere(*id, cluster);
    if let Some(id) = processes::recorded(cluster).filter(lives_elsewhere) {
        if processes::is_server(id) {
            warn!(
                "{} was copied while its PostgreSQL was running (process {id}, which works in another \
                 directory): only a snapshot of a whole file system is a safe copy",
                cluster.display()
            );
        }
        remove(cluster.join("postmaster.pid"))?;
    }
    remove(sockets.join(format!(".s.PGSQL.{PORT}.lock")))?;
    remove(sockets.join(format!(".s.PGSQL.{PORT}")))
}

fn remove(path: PathBuf) -> Result<(), Error> {
    match fs::remove_file(&path) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(Error::file(path, source)),
        _ => Ok(()),
    }
}
