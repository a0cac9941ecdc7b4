//! The program itself, as a process of its own.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::wait::within;

/// A running `mailing-groups`. Killed when dropped.
pub(crate) struct Program {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
}

impl Program {
    /// Starts it with these arguments, with its log in `folder`.
    pub(crate) fn spawn(folder: &Path, arguments: &[&str]) -> Self {
        let log = folder.join(format!("{}.log", uuid::Uuid::new_v4()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailing-groups"));
        for (name, _) in std::env::vars().filter(|(name, _)| is_ours(name)) {
            command.env_remove(name);
        }
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, output, log }
    }

    /// Where it serves, once it says so.
    pub(crate) async fn address(&mut self) -> SocketAddr {
        let line = within(self.output.next_line()).await.unwrap();
        let Some(line) = line else {
            panic!("the program ended: {}", self.log());
        };
        let (_, address) = line.split_once(" serves gRPC on ").unwrap();
        address.parse().unwrap()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Signals it.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// Signals it and all its process group, as a terminal does.
    pub(crate) fn signal_group(&self, signal: Signal) {
        let pid = Pid::from_raw(-i32::try_from(self.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        within(self.child.wait()).await.unwrap()
    }
}

fn is_ours(variable: &str) -> bool {
    variable.starts_with("MAILING_GROUPS_") || matches!(variable, "DATABASE_URL" | "RUST_LOG")
}
