//! What is seen of the program from outside: probes, metrics, logs, traces.

mod markers;
mod metrics;
mod probes;
mod traces;

use std::{collections::BTreeMap, ffi::OsStr, net::SocketAddr};

use tempfile::TempDir;
use tonic::transport::Channel;

use crate::support::{Program, Tenant, database, get, scratch, serve};

/// The program on a database of its own, with an HTTP listener.
struct Observed {
    program: Program,
    url: String,
    address: SocketAddr,
    http: SocketAddr,
    channel: Channel,
    _folder: TempDir,
}

impl Observed {
    async fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[]).await
    }

    async fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let (folder, url) = (scratch(), database().await);
        let own = ["--database-url", &url, "--http-listen", "127.0.0.1:0"];
        let arguments = [&own, arguments].concat();
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (*name, OsStr::new(*value)))
            .collect();
        let mut program = Program::spawn_with(folder.path(), &arguments, &variables);
        let address = program.address().await;
        let http = http_address(&program.log()).unwrap();
        Self {
            http,
            address,
            channel: serve::channel(address),
            program,
            url,
            _folder: folder,
        }
    }

    fn tenant(&self, name: &str) -> Tenant {
        Tenant::over(self.channel.clone(), name)
    }

    /// All series with their values.
    async fn series(&self) -> BTreeMap<String, f64> {
        let (status, text) = get(self.http, "/metrics").await;
        assert_eq!(status, 200);
        let lines = text.lines().filter(|it| !it.starts_with('#'));
        let pairs = lines.filter_map(|line| line.rsplit_once(' '));
        pairs
            .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
            .collect()
    }
}

/// The address of the HTTP listener, from the log.
pub(crate) fn http_address(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once("metrics and probes on http://")?;
    rest.lines().next()?.parse().ok()
}
