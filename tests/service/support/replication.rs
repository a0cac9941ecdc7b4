//! A PostgreSQL with an asynchronous streaming standby, each behind a network of its own, whose messages
//! are in German if its translations are installed.

use std::{
    fs::{self, File},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User, geteuid},
};
use rand::RngExt;
use tempfile::TempDir;
use tokio::time::sleep;

use super::{Proxy, Sql, eventually, postgres, scratch};

/// The name of the superuser and of the database.
const NAME: &str = "postgres";

/// A primary and its standby.
pub(crate) struct Replication {
    nodes: [Node; 2],
    /// Which of them is the primary.
    primary: usize,
    _folder: TempDir,
}

impl Replication {
    /// Starts both.
    pub(crate) async fn start() -> Self {
        let folder = scratch();
        let mut nodes = [
            Node::new(folder.path().join("one")).await,
            Node::new(folder.path().join("two")).await,
        ];
        let initdb = [
            "-A",
            "trust",
            "-U",
            NAME,
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ];
        nodes[0].run("initdb", &initdb);
        nodes[0].start().await;
        nodes[1].follow(&nodes[0].folder);
        nodes[1].start().await;
        Self {
            nodes,
            primary: 0,
            _folder: folder,
        }
    }

    /// The URL of both, the first one first, as a service on another computer knows it.
    pub(crate) fn url(&self, options: &str) -> String {
        let addresses = self.nodes.each_ref().map(|it| it.network.address());
        let [one, two] = addresses;
        format!("postgres://{NAME}@{one},{two}/{NAME}?sslmode=disable{options}")
    }

    /// The network of the primary.
    pub(crate) fn network(&self) -> &Proxy {
        &self.nodes[self.primary].network
    }

    /// The primary's own URL.
    pub(crate) fn primary_url(&self) -> &str {
        &self.nodes[self.primary].url
    }

    /// The standby's own URL.
    pub(crate) fn standby_url(&self) -> &str {
        &self.nodes[1 - self.primary].url
    }

    /// The network of the standby.
    pub(crate) fn standby_network(&self) -> &Proxy {
        &self.nodes[1 - self.primary].network
    }

    /// Lets the standby show nothing new, until [`Self::resume`].
    pub(crate) async fn pause(&self) {
        let standby = self.standby_sql().await;
        standby.run("SELECT pg_wal_replay_pause()").await;
        let paused = "SELECT (pg_get_wal_replay_pause_state() = 'paused')::int::bigint";
        eventually(async || (standby.number(paused, &[]).await == 1).then_some(())).await;
    }

    /// Ends [`Self::pause`].
    pub(crate) async fn resume(&self) {
        let standby = self.standby_sql().await;
        standby.run("SELECT pg_wal_replay_resume()").await;
    }

    /// Pauses and resumes again and again, without an end.
    pub(crate) async fn lag(&self) {
        loop {
            self.pause().await;
            sleep(Duration::from_millis(rand::rng().random_range(0..100))).await;
            self.resume().await;
            sleep(Duration::from_millis(rand::rng().random_range(0..300))).await;
        }
    }

    /// Lets the primary show no further commit, which the standby does, until [`Self::show`].
    pub(crate) async fn hide(&self) {
        self.await_standbys("nobody").await;
    }

    /// Ends [`Self::hide`].
    pub(crate) async fn show(&self) {
        self.await_standbys("").await;
    }

    /// Lets commits wait until a standby of this name has them.
    async fn await_standbys(&self, name: &str) {
        let primary = self.primary_sql().await;
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'");
        // What it commits does not wait itself.
        primary.run("SET synchronous_commit = local").await;
        primary.run(&set).await;
        primary.run("SELECT pg_reload_conf()").await;
        let shown = "SELECT (current_setting('synchronous_standby_names') = $1)::int::bigint";
        eventually(async || (primary.number(shown, &[&name]).await == 1).then_some(())).await;
    }

    /// Waits until the standby has everything.
    pub(crate) async fn until_level(&self) {
        let position = "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint";
        let written = self.primary_sql().await.number(position, &[]).await;
        let position = "SELECT (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint";
        let standby = self.standby_sql().await;
        let level = async || (standby.number(position, &[]).await >= written).then_some(());
        eventually(level).await;
    }

    /// Ends the replication: the standby gets nothing more.
    pub(crate) async fn separate(&self) {
        let standby = self.standby_sql().await;
        standby.run("ALTER SYSTEM SET primary_conninfo = ''").await;
        standby.run("SELECT pg_reload_conf()").await;
        let receivers = "SELECT count(*) FROM pg_stat_wal_receiver";
        eventually(async || (standby.number(receivers, &[]).await == 0).then_some(())).await;
    }

    /// Kills the primary.
    pub(crate) fn kill_primary(&mut self) {
        self.nodes[self.primary].end(Signal::SIGKILL);
    }

    /// Kills the standby.
    pub(crate) fn kill_standby(&mut self) {
        self.nodes[1 - self.primary].end(Signal::SIGKILL);
    }

    /// Starts the standby again.
    pub(crate) async fn start_standby(&mut self) {
        self.nodes[1 - self.primary].start().await;
    }

    /// Makes the standby the primary.
    pub(crate) async fn promote(&mut self) {
        self.standby_sql().await.run("SELECT pg_promote()").await;
        self.primary = 1 - self.primary;
    }

    /// The former primary comes back as the standby of the new one.
    pub(crate) async fn rejoin(&mut self) {
        let primary = self.nodes[self.primary].folder.clone();
        let former = &mut self.nodes[1 - self.primary];
        fs::remove_dir_all(former.data()).unwrap();
        former.follow(&primary);
        former.start().await;
    }

    async fn primary_sql(&self) -> Sql {
        Sql::connect(self.primary_url()).await
    }

    async fn standby_sql(&self) -> Sql {
        Sql::connect(self.standby_url()).await
    }
}

/// A server with its data and its socket in a folder. Stopped when dropped.
struct Node {
    folder: PathBuf,
    url: String,
    network: Proxy,
    server: Option<Child>,
}

impl Node {
    async fn new(folder: PathBuf) -> Self {
        fs::create_dir(&folder).unwrap();
        if let Some(user) = other_user() {
            chown(&folder, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        }
        let host = folder.display();
        let url = format!("postgres:///{NAME}?host={host}&port=5432&user={NAME}");
        Self {
            network: Proxy::before(&url).await,
            folder,
            url,
            server: None,
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Runs a program that makes the data.
    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = command(program);
        let output = command.arg("-D").arg(self.data()).args(arguments).output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Copies the data of a primary, as its standby.
    fn follow(&self, primary: &Path) {
        let host = primary.to_str().unwrap();
        let options = ["-R", "-X", "stream", "-c", "fast", "-N", "-U", NAME, "-h"];
        self.run("pg_basebackup", &[&options[..], &[host]].concat());
    }

    /// Starts the server and waits until it answers.
    async fn start(&mut self) {
        let mut command = command("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(&self.folder);
        for setting in ["listen_addresses=", "fsync=off", "max_connections=60"] {
            command.args(["-c", setting]);
        }
        let log = File::create(self.folder.join("log")).unwrap();
        command.stdout(Stdio::null()).stderr(log);
        self.server = Some(command.process_group(0).spawn().unwrap());
        eventually(async || postgres::connect(&self.url).await.ok()).await;
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut server) = self.server.take() {
            let pid = Pid::from_raw(i32::try_from(server.id()).unwrap());
            kill(pid, signal).unwrap();
            server.wait().unwrap();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end(Signal::SIGQUIT);
    }
}

/// A program of PostgreSQL, the newest that is installed, as a user that may run it.
fn command(program: &str) -> Command {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.filter_map(|it| it.ok()?.file_name().into_string().ok()?.parse().ok());
    let path = match versions.max() {
        Some::<u32>(newest) => format!("/usr/lib/postgresql/{newest}/bin/{program}"),
        None => program.to_owned(),
    };
    let mut command = Command::new(path);
    command.current_dir("/").stdin(Stdio::null());
    command.env_remove("LC_ALL").env("LANGUAGE", "de");
    if let Some(user) = other_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// The user that runs PostgreSQL for root.
fn other_user() -> Option<User> {
    let user = || User::from_name("postgres").unwrap().unwrap();
    geteuid().is_root().then(user)
}
