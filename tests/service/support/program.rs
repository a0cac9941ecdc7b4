//! The program as a process of its own.

use std::{
    ffi::OsStr,
    fs::File,
    io::{BufRead, BufReader, Lines},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::wait::{eventually, within};

/// The program with these arguments, without the environment variables that configure it.
pub(crate) fn command(arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailing-groups"));
    command.args(arguments).stdin(Stdio::null());
    remove_configuration(&mut command);
    command
}

/// Removes the environment variables that configure the program.
pub(crate) fn remove_configuration(command: &mut Command) {
    command.env_remove("DATABASE_URL").env_remove("RUST_LOG");
    for (name, _) in std::env::vars() {
        if name.starts_with("MAILING_GROUPS_") || name.starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
}

/// A running `mailing-groups`. Killed when dropped.
pub(crate) struct Program {
    child: Child,
    /// Absent while a line is read.
    output: Option<Lines<BufReader<ChildStdout>>>,
    log: Option<PathBuf>,
}

impl Program {
    /// Starts a service on a free port with these arguments, in a process group of its own, with
    /// its log in `folder`.
    pub(crate) fn spawn(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn_with(folder, arguments, &[])
    }

    /// As [`Self::spawn`], with these environment variables.
    pub(crate) fn spawn_with(
        folder: &Path,
        arguments: &[&str],
        environment: &[(&str, &OsStr)],
    ) -> Self {
        Self::spawn_on("127.0.0.1:0", folder, arguments, environment)
    }

    /// As [`Self::spawn_with`], on this address.
    pub(crate) fn spawn_on(
        address: &str,
        folder: &Path,
        arguments: &[&str],
        environment: &[(&str, &OsStr)],
    ) -> Self {
        let log = folder.join(format!("{}.log", uuid::Uuid::new_v4()));
        let mut command = command(["--listen", address]);
        let command = command.args(arguments).process_group(0);
        let command = command.envs(environment.iter().copied());
        let mut program = Self::start(command.stderr(File::create(&log).unwrap()));
        program.log = Some(log);
        program
    }

    /// Starts a command.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            output: Some(output),
            log: None,
        }
    }

    /// The next line of its output.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut output = self.output.take().unwrap();
        let read = tokio::task::spawn_blocking(move || (output.next(), output));
        let (line, output) = within(read).await.unwrap();
        self.output = Some(output);
        line.map(Result::unwrap)
    }

    /// The lines of its output until `count` were read or it ends. Blocks the thread.
    pub(crate) fn lines(&mut self, count: usize) -> Vec<String> {
        let output = self.output.as_mut().unwrap();
        output.take(count).map(Result::unwrap).collect()
    }

    /// The address of the service, from the first line of its output.
    pub(crate) async fn address(&mut self) -> SocketAddr {
        let line = self.line().await;
        self.address_in(line.as_deref())
    }

    /// The address of the service in the first line of its output.
    pub(crate) fn address_in(&self, line: Option<&str>) -> SocketAddr {
        let address = line.and_then(|line| line.split_once(" serves gRPC on "));
        let Some((_, address)) = address else {
            panic!("no address in {line:?}; the log: {}", self.log());
        };
        address.parse().unwrap()
    }

    /// Where browsers and curl call, from the next line of its output.
    pub(crate) async fn web(&mut self) -> SocketAddr {
        let line = self.line().await.unwrap_or_default();
        let url = line.split_once(": ").map(|(_, rest)| rest);
        let url = url.and_then(|rest| rest.split(' ').next());
        let address = url.and_then(|url| url.split("//").nth(1));
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        address.parse().unwrap()
    }

    /// What [`Self::spawn`] has logged so far.
    pub(crate) fn log(&self) -> String {
        let log = self.log.as_ref().map(std::fs::read_to_string);
        log.transpose().unwrap().unwrap_or_default()
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it has had, in KiB.
    pub(crate) fn peak_memory(&self) -> i64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.id()).unwrap()
    }

    /// Sends a signal to it.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Sends a signal to it, unless it has ended.
    pub(crate) fn try_signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.pid()), signal);
    }

    /// Sends a signal to its process group, as a terminal does.
    pub(crate) fn signal_group(&self, signal: Signal) {
        kill(Pid::from_raw(-self.pid()), signal).unwrap();
    }

    /// Closes the reading ends of its standard output and standard error, as a terminal does.
    pub(crate) fn close_output(&mut self) {
        self.output = None;
        self.child.stderr = None;
    }

    /// How it ended, if it has ended.
    pub(crate) fn try_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        eventually(async || self.try_ended()).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
