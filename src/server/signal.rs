//! The signals that stop the program.

use std::{future::Future, io};

use tokio::signal::unix::{SignalKind, signal};

/// Listens for SIGTERM and SIGINT from this call on; the future ends with the name of the first.
///
/// # Errors
///
/// If the handlers cannot be installed. Must be called within a Tokio runtime.
pub fn stop_requested() -> io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
