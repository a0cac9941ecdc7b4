//! The signals that stop the program.

use std::{fs, future::Future, io};

use tokio::signal::unix::{SignalKind, signal};

/// Listens for SIGTERM, SIGINT, SIGQUIT and SIGHUP from this call on; the future ends with the name
/// of the first. All of them stop the program in order, so that none leaves its PostgreSQL behind.
/// SIGHUP says that the terminal was closed; under `nohup` it is ignored.
///
/// # Errors
///
/// If the handlers cannot be installed. Must be called within a Tokio runtime.
pub fn stop_requested() -> io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut hangup = match ignores_hangup() {
        true => None,
        false => Some(signal(SignalKind::hangup())?),
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = quit.recv() => "SIGQUIT",
            Some(()) = async { hangup.as_mut()?.recv().await } => "SIGHUP",
        }
    })
}

/// Whether the program was started with SIGHUP ignored. A handler would undo that.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit stands for signal 1, which is SIGHUP.
    ignored.is_some_and(|mask| mask & 1 == 1)
}
