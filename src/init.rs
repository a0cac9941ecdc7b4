//! The duties of PID 1 in a container.
//!
//! The kernel hands orphans to PID 1, such as the backends of a PostgreSQL that was killed and what
//! `docker exec` leaves behind, and they stay zombies until it waits for them. The program waits
//! only for the children that it knows, so PID 1 runs the program as a child and waits for all.

use std::{
    env, io,
    process::{Command, ExitCode},
};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use tokio::signal::unix::{SignalKind, signal};

/// Whether this process is PID 1 of its container.
#[must_use]
pub fn is_needed() -> bool {
    std::process::id() == 1
}

/// Runs this program again as a child, with the same arguments; sends it the signals that stop it,
/// and returns its exit code, as a shell would give it. Waits for all other children too.
///
/// # Errors
///
/// If the child cannot be started.
pub fn run() -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run_child())
}

async fn run_child() -> io::Result<ExitCode> {
    // Before the child is started, so that no signal is lost.
    let mut child_ended = signal(SignalKind::child())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let program = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .spawn()?;
    let program = Pid::from_raw(program.id().try_into().map_err(io::Error::other)?);
    loop {
        let signal = tokio::select! {
            _ = child_ended.recv() => match reap(program) {
                Some(code) => return Ok(code),
                None => continue,
            },
            _ = hangup.recv() => Signal::SIGHUP,
            _ = interrupt.recv() => Signal::SIGINT,
            _ = quit.recv() => Signal::SIGQUIT,
            _ = terminate.recv() => Signal::SIGTERM,
        };
        // It keeps its process id until it is waited for.
        let _ = kill(program, signal);
    }
}

/// Waits for every child that has ended; the exit code of `program` if it is one of them.
fn reap(program: Pid) -> Option<ExitCode> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(id, code)) if id == program => {
                return Some(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)));
            }
            Ok(WaitStatus::Signaled(id, signal, _)) if id == program => {
                return Some(ExitCode::from(128 + signal as u8));
            }
            Ok(WaitStatus::StillAlive) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}
