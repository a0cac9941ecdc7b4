//! The service that the program runs on a folder, and commands against it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use nix::{sys::signal::Signal, unistd::Pid};
use tempfile::TempDir;

use crate::support::{Program, eventually_blocking, program::command, scratch};

/// How a run of the program ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Runs the program to its end.
pub(crate) fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Ended {
    command(arguments).output().unwrap().into()
}

/// A running service. It is stopped when dropped.
pub(crate) struct Service {
    program: Program,
    /// The output of its start.
    pub(crate) greeting: String,
    /// Host and port.
    pub(crate) address: String,
    pub(crate) data_dir: PathBuf,
    /// Removed with the service.
    _folder: Option<TempDir>,
}

impl Service {
    /// A service on a folder of its own.
    pub(crate) fn start() -> Self {
        let folder = scratch();
        let mut service = Self::on(&folder.path().join("data"));
        service._folder = Some(folder);
        service
    }

    /// The service that tests share, each with a tenant of its own.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Service>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let service = Arc::new(Self::start());
            *shared = Arc::downgrade(&service);
            service
        })
    }

    /// A service on this folder, which is kept.
    pub(crate) fn on(data_dir: &Path) -> Self {
        let arguments = ["--data-dir", data_dir.to_str().unwrap()];
        let mut program = Program::spawn(data_dir.parent().unwrap(), &arguments);
        // Up to what to try.
        let lines = program.lines(6);
        let address = program.address_in(lines.first().map(String::as_str));
        Self {
            program,
            address: address.to_string(),
            greeting: lines.into_iter().map(|line| line + "\n").collect(),
            data_dir: data_dir.to_owned(),
            _folder: None,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Runs a client command for a tenant.
    pub(crate) fn run(&self, tenant: &str, arguments: &str) -> Ended {
        let (endpoint, words) = (self.endpoint(), arguments.split(' '));
        let flags = ["--tenant", tenant, "--endpoint", &endpoint];
        run(words.chain(flags))
    }

    /// The process of its PostgreSQL.
    pub(crate) fn postgres(&self) -> Option<Pid> {
        let file = self.data_dir.join("postgres/postmaster.pid");
        let text = fs::read_to_string(file).ok()?;
        let id: i32 = text.lines().next()?.parse().ok()?;
        Some(Pid::from_raw(id))
    }

    /// Kills it, leaving its PostgreSQL behind.
    pub(crate) fn kill(mut self) {
        self.program.signal(Signal::SIGKILL);
        eventually_blocking(|| self.program.try_ended());
    }

    /// Stops it in order; the code it ends with.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.stop_with(Signal::SIGTERM)
    }

    /// Stops it with a signal; the code it ends with.
    pub(crate) fn stop_with(&mut self, signal: Signal) -> Option<i32> {
        self.program.signal(signal);
        eventually_blocking(|| self.program.try_ended()).code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.program.try_ended().is_none() {
            self.stop();
        }
    }
}
