//! Ends the PostgreSQL that an earlier run left at work when it was killed.

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

/// How often processes are looked for.
const POLL: Duration = Duration::from_millis(50);

/// How long a server may take to shut down in order, which includes writing a checkpoint.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(30);

/// How long processes that should be ending may take.
const ENDING_PATIENCE: Duration = Duration::from_secs(5);

/// Ends every process of PostgreSQL at work on `cluster`. The caller holds the data
/// directory's lock, so none of them is another service's, and `sockets` is free after that.
pub(super) async fn end(cluster: &Path, sockets: &Path) -> Result<(), Error> {
    let server = processes::noted(cluster).filter(|id| processes::of(cluster).contains(id));
    if let Some(id) = server {
        info!("an earlier run left PostgreSQL at work (process {id}): shutting it down first");
        signal(&[id], Signal::SIGINT);
    }
    // Backends without a server end by themselves as soon as they notice.
    let patience = if server.is_some() {
        SHUTDOWN_PATIENCE
    } else {
        ENDING_PATIENCE
    };
    let mut left = remaining(cluster, patience).await;
    for harder in [Signal::SIGQUIT, Signal::SIGKILL] {
        if left.is_empty() {
            break;
        }
        warn!("PostgreSQL of an earlier run has not ended: sending {harder}");
        signal(&left, harder);
        left = remaining(cluster, ENDING_PATIENCE).await;
    }
    match left.first() {
        Some(id) => Err(Error::LeftoverStays {
            process_id: id.as_raw(),
            cluster: cluster.to_owned(),
        }),
        None => forget_notes(cluster, sockets),
    }
}

/// What is left after at most `patience`.
async fn remaining(cluster: &Path, patience: Duration) -> Vec<Pid> {
    let deadline = Instant::now() + patience;
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
        // One that ended in the meantime is what we want.
        let _ = kill(*id, signal);
    }
}

/// Removes the notes of a server that is gone: PostgreSQL does so itself, but not while a
/// process has the same number, be it something else by now or one that nobody waited for.
fn forget_notes(cluster: &Path, sockets: &Path) -> Result<(), Error> {
    if processes::noted(cluster).is_some_and(|id| kill(id, None).is_ok()) {
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
