//! The signals that stop the program, and the one that makes it read its files again.

use std::{
    fs,
    future::Future,
    io::{self, IsTerminal},
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// What SIGHUP does.
#[derive(Debug)]
pub enum OnHangup {
    /// Stops the program: SIGHUP says that the terminal was closed. Under `nohup` it is ignored.
    Stop,
    /// Makes the program read its files again, unless the terminal was closed.
    Reload(watch::Sender<()>),
}

/// Listens for SIGTERM, SIGINT, SIGQUIT and SIGHUP from this call on; the future ends with the name
/// of the first that stops the program, in order, so that none leaves its PostgreSQL behind.
///
/// # Errors
///
/// If the handlers cannot be installed. Must be called within a Tokio runtime.
pub fn stop_requested(on_hangup: OnHangup) -> io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let hangup = match on_hangup {
        OnHangup::Stop if ignores_hangup() => None,
        OnHangup::Stop | OnHangup::Reload(_) => Some(signal(SignalKind::hangup())?),
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = quit.recv() => "SIGQUIT",
            Some(()) = stopped_by(hangup, on_hangup) => "SIGHUP",
        }
    })
}

/// Waits for the SIGHUP that stops the program.
async fn stopped_by(hangup: Option<Signal>, on_hangup: OnHangup) -> Option<()> {
    let has_terminal = io::stdin().is_terminal();
    let mut hangup = hangup?;
    loop {
        hangup.recv().await?;
        match &on_hangup {
            OnHangup::Reload(requests) if has_terminal == io::stdin().is_terminal() => {
                // Nothing may be reading files yet; what it reads then is new.
                let _ = requests.send(());
            }
            OnHangup::Stop | OnHangup::Reload(_) => return Some(()),
        }
    }
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
