//! pgbench, PostgreSQL's own load tool.

use std::{fs, path::Path, time::Duration};

use tokio::process::Command;

use super::progress::Tool;

/// What to run.
pub(crate) struct Run<'a> {
    pub(crate) url: &'a str,
    pub(crate) script: &'a str,
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) clients: u32,
    pub(crate) length: Length,
    /// Whether the time of each transaction is wanted.
    pub(crate) timed: bool,
}

/// How long to run.
#[derive(Clone, Copy)]
pub(crate) enum Length {
    Time(Duration),
    /// So many transactions a client.
    Transactions(u64),
}

/// The result. No transaction failed.
pub(crate) struct Done {
    pub(crate) transactions: u64,
    pub(crate) per_second: f64,
    pub(crate) latencies: Vec<Duration>,
}

impl Run<'_> {
    pub(crate) async fn run(&self) -> Done {
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("script.sql");
        fs::write(&script, self.script).expect("the script is written");
        let clients = self.clients.to_string();
        let mut command = Command::new("pgbench");
        command
            .args(["-n", "-M", "prepared", "-c", &clients])
            .args(["-j", &self.clients.min(2).to_string()])
            .arg("-f")
            .arg(&script);
        if self.timed {
            let prefix = format!("--log-prefix={}/log", folder.path().display());
            command.args(["--log", &prefix]);
        }
        match self.length {
            Length::Time(time) => command.args(["-T", &time.as_secs().max(1).to_string()]),
            Length::Transactions(count) => command.args(["-t", &count.to_string()]),
        };
        for (name, value) in &self.variables {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        let output = command.arg(self.url).stdout_text().await;
        let failed = number(&output, "number of failed transactions: ").unwrap_or(0.0);
        assert!(failed == 0.0, "no transaction fails: {output}");
        Done {
            transactions: number(&output, "number of transactions actually processed: ")
                .expect("a number of transactions") as u64,
            per_second: number(&output, "tps = ").expect("a rate"),
            latencies: latencies(folder.path()),
        }
    }
}

/// The number after `key`.
fn number(output: &str, key: &str) -> Option<f64> {
    let (_, rest) = output.split_once(key)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

/// The times of all transactions: the third column of pgbench's logs, in microseconds.
fn latencies(folder: &Path) -> Vec<Duration> {
    let files = fs::read_dir(folder).expect("the folder is read").flatten();
    let logs = files.filter(|file| file.file_name().to_string_lossy().starts_with("log"));
    let text: String = logs
        .map(|log| fs::read_to_string(log.path()).expect("the log is read"))
        .collect();
    text.lines()
        .filter_map(|line| line.split(' ').nth(2)?.parse().ok())
        .map(Duration::from_micros)
        .collect()
}
