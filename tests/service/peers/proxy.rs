//! nginx and HAProxy, with the configurations of deploy/.

use std::{fs, net::SocketAddr, path::Path, process::Stdio};

use mailing_groups::pb::FILE_DESCRIPTOR_SET;
use prost::Message;
use prost_types::FileDescriptorSet;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};

use crate::support::{Server, eventually, scratch};

/// A proxy in front of two servers. Killed when dropped.
pub(super) struct Proxy {
    folder: TempDir,
    _process: Child,
}

impl Proxy {
    /// nginx in front of the shared server, which it takes for two.
    pub(super) async fn nginx() -> Self {
        Self::nginx_before([Server::shared().await.address; 2])
    }

    pub(super) fn nginx_before(servers: [SocketAddr; 2]) -> Self {
        let folder = scratch();
        let path = folder.path().display();
        let server = configuration("nginx.conf", &format!("unix:{path}/socket"), servers);
        // Otherwise below /var, which only root can write.
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {path}/pid;\nerror_log stderr;\nevents {{}}\n\
            http {{\naccess_log off;\n{temporary}{server}}}\n"
        );
        fs::write(folder.path().join("config"), config).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path());
        command.args(["-e", "stderr", "-c", "config"]);
        Self::run(command, folder)
    }

    /// HAProxy in front of the shared server, which it takes for two.
    pub(super) async fn haproxy() -> Self {
        Self::haproxy_before([Server::shared().await.address; 2])
    }

    pub(super) fn haproxy_before(servers: [SocketAddr; 2]) -> Self {
        let folder = scratch();
        let socket = format!("unix@{}/socket", folder.path().display());
        let config = configuration("haproxy.cfg", &socket, servers);
        fs::write(folder.path().join("config"), config).unwrap();
        let mut command = Command::new("haproxy");
        command
            .args(["-db", "-f", "config"])
            .current_dir(folder.path());
        Self::run(command, folder)
    }

    fn run(mut command: Command, folder: TempDir) -> Self {
        command.stdin(Stdio::null()).kill_on_drop(true);
        let process = command.spawn();
        Self {
            _process: process.expect("nginx and haproxy are installed: scripts/install peers"),
            folder,
        }
    }

    /// The socket that it listens on.
    pub(super) fn socket(&self) -> String {
        format!("{}/socket", self.folder.path().display())
    }

    /// A connection to it.
    pub(super) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("unix:{}", self.socket())).unwrap();
        eventually(async || endpoint.connect().await.ok()).await
    }

    /// Sends messages with grpcurl; what it prints.
    pub(super) async fn grpcurl(
        &self,
        tenant: &str,
        method: &str,
        messages: impl Iterator<Item = String>,
    ) -> String {
        let file = self.folder.path().join("messages");
        let lines: String = messages.map(|message| message + "\n").collect();
        fs::write(&file, lines).unwrap();
        let output = Command::new("grpcurl")
            .args(["-plaintext", "-unix", "-d", "@", "-H"])
            .arg(format!("x-tenant: {tenant}"))
            .args([&self.socket(), method])
            .stdin(fs::File::open(file).unwrap())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert!(output.status.success(), "{}", text(output.stderr));
        text(output.stdout)
    }
}

/// A file that users begin with.
fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// That file with another address, and with those of these servers.
fn configuration(name: &str, listen: &str, [one, two]: [SocketAddr; 2]) -> String {
    let config = example(name);
    let changed = [
        ("127.0.0.1:50050", listen.to_owned()),
        ("127.0.0.1:50051", one.to_string()),
        ("127.0.0.1:50052", two.to_string()),
    ];
    changed.into_iter().fold(config, |config, (from, to)| {
        assert!(config.contains(from), "no {from} in {config}");
        config.replace(from, &to)
    })
}

/// How the calls begin that change something each time.
const CHANGES: [&str; 13] = [
    "/Add",
    "/BatchCreate",
    "/Create",
    "/Delete",
    "/Go",
    "/Merge",
    "/Reduce",
    "/Refine",
    "/Rename",
    "/Replace",
    "/Replay",
    "/Save",
    "/Update",
];

#[test]
fn haproxy_tells_streams_and_calls_that_may_be_repeated_from_others() {
    let config = example("haproxy.cfg");
    let words = |backend: &str| {
        let (_, rule) = config
            .split_once(&format!("use_backend {backend} if {{ path_sub "))
            .unwrap();
        let (words, _) = rule.split_once(" }").unwrap();
        words.split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    let (streams, repeatable) = (words("streams"), words("repeatable"));
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    for method in set
        .file
        .iter()
        .flat_map(|it| &it.service)
        .flat_map(|it| &it.method)
    {
        let path = format!("/{}", method.name());
        let is_stream = method.client_streaming() || method.server_streaming();
        let is_in = |words: &[String]| words.iter().any(|word| path.contains(word));
        assert_eq!(is_in(&streams), is_stream, "{path}");
        let changes = CHANGES.iter().any(|word| path.contains(word));
        assert_eq!(is_in(&repeatable), !is_stream && !changes, "{path}");
    }
}
