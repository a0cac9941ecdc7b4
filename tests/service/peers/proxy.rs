//! nginx and HAProxy, with the configurations of docs/operations.md.

use std::{fs, path::Path, process::Stdio};

use mailing_groups::pb::FILE_DESCRIPTOR_SET;
use prost::Message;
use prost_types::FileDescriptorSet;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};

use crate::support::{Server, eventually, scratch};

/// A proxy in front of the shared server. Killed when dropped.
pub(super) struct Proxy {
    folder: TempDir,
    _process: Child,
}

impl Proxy {
    pub(super) async fn nginx() -> Self {
        let folder = scratch();
        let path = folder.path().display();
        let server = configuration("nginx", &format!("unix:{path}/socket")).await;
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

    pub(super) async fn haproxy() -> Self {
        let folder = scratch();
        let socket = format!("unix@{}/socket", folder.path().display());
        let config = configuration("haproxy", &socket).await;
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

/// The configuration of a proxy in the documentation.
fn documented(proxy: &str) -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let text = fs::read_to_string(document).unwrap();
    let (_, block) = text.split_once(&format!("```{proxy}\n")).unwrap();
    let (config, _) = block.split_once("```").unwrap();
    config.to_owned()
}

/// The documented configuration with another address, and that of the shared server.
async fn configuration(proxy: &str, listen: &str) -> String {
    let config = documented(proxy);
    for address in ["127.0.0.1:50051", "127.0.0.1:50052"] {
        assert!(config.contains(address), "no {address} in {config}");
    }
    let server = Server::shared().await.address.to_string();
    config
        .replace("127.0.0.1:50051", &server)
        .replace("127.0.0.1:50052", listen)
}

#[test]
fn haproxy_tells_streams_from_other_calls() {
    let config = documented("haproxy");
    let (_, words) = config.split_once("path_sub ").unwrap();
    let (words, _) = words.split_once(" }").unwrap();
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    for method in set
        .file
        .iter()
        .flat_map(|it| &it.service)
        .flat_map(|it| &it.method)
    {
        let path = format!("/{}", method.name());
        let streams = method.client_streaming() || method.server_streaming();
        let named = words.split(' ').any(|word| path.contains(word));
        assert_eq!(named, streams, "{path}");
    }
}
