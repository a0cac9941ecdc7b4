//! The program, and the service it runs.

use std::{
    fs::{self, File, Permissions},
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

/// How long anything here may take; generous, because machines are slow at times.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program with these arguments, and none of our environment that it would heed.
pub(crate) fn program<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailing-groups"));
    command.args(arguments).stdin(Stdio::null());
    unconfigured(&mut command);
    command
}

/// Keeps from a command what configures the program.
pub(crate) fn unconfigured(command: &mut Command) {
    command.env_remove("DATABASE_URL").env_remove("RUST_LOG");
    for (name, _) in std::env::vars() {
        if name.starts_with("MAILING_GROUPS_") {
            command.env_remove(name);
        }
    }
}

/// A folder that everybody can reach, so that root can run PostgreSQL as another user.
pub(crate) fn folder() -> TempDir {
    let reachable = Permissions::from_mode(0o755);
    let mut builder = tempfile::Builder::new();
    builder.prefix("mg-").permissions(reachable);
    builder.tempdir().unwrap()
}

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
    program(arguments).output().unwrap().into()
}

/// A running service. It is stopped when dropped.
pub(crate) struct Service {
    child: Child,
    /// What it said once it accepted calls.
    pub(crate) greeting: String,
    /// Host and port.
    pub(crate) address: String,
    pub(crate) data_dir: PathBuf,
    /// What is removed with it.
    _folder: Option<TempDir>,
}

impl Service {
    /// A service on a folder of its own.
    pub(crate) fn start() -> Self {
        let folder = folder();
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

    /// A service on this folder, which stays.
    pub(crate) fn on(data_dir: &Path) -> Self {
        let log = data_dir.with_extension("log");
        let mut child = program(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let greeting = greeting(BufReader::new(child.stdout.take().unwrap()));
        let Some(address) = address(&greeting) else {
            let _ = child.kill();
            let log = fs::read_to_string(log).unwrap();
            panic!("the service did not start; it said {greeting:?} and logged:\n{log}");
        };
        Self {
            child,
            address,
            greeting,
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

    /// Kills it at once, leaving its PostgreSQL behind.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop; the code it ends with.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let id = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(id, Signal::SIGTERM).ok()?;
        eventually(|| self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.stop();
        }
    }
}

/// Asks again and again until there is an answer.
pub(crate) fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        let patience = Instant::now() < deadline;
        assert!(patience, "nothing came of it within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The first five lines, which are all there is.
fn greeting(stdout: impl BufRead) -> String {
    let lines = stdout.lines().take(5).map_while(Result::ok);
    lines.map(|line| line + "\n").collect()
}

fn address(greeting: &str) -> Option<String> {
    let first = greeting.lines().next()?;
    Some(first.split_once(" serves gRPC on ")?.1.to_owned())
}
