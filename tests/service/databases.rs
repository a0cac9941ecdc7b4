//! Databases as they are: in other encodings, with other settings, rights and tables than those that
//! the service makes for itself.

mod citus;
mod full;
mod german;
mod locked;
mod pooler;
mod read_only;
mod settings;
mod tables;
mod tls;
mod unsuitable;

use tonic::transport::{Channel, Endpoint};

use crate::support::{Program, Tenant, scratch};

/// A running program with this database, and a tenant of it.
struct Service {
    program: Program,
    channel: Channel,
    tenant: Tenant,
    _folder: tempfile::TempDir,
}

/// Starts the program with this database, and waits until it serves.
async fn start(url: &str, arguments: &[&str]) -> Service {
    let folder = scratch();
    let arguments = [&["--database-url", url], arguments].concat();
    let mut program = Program::spawn(folder.path(), &arguments);
    let address = program.address().await;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = endpoint.connect().await.unwrap();
    Service {
        program,
        tenant: Tenant::over(channel.clone(), "t"),
        channel,
        _folder: folder,
    }
}

/// What the program says when it refuses to serve this database.
async fn refusal(url: &str, arguments: &[&str]) -> String {
    let folder = scratch();
    let arguments = [&["--database-url", url], arguments].concat();
    let mut program = Program::spawn(folder.path(), &arguments);
    let ended = program.ended().await;
    let log = program.log();
    assert!(!ended.success(), "{log}");
    let error = log.lines().find(|line| line.starts_with("error: "));
    error
        .unwrap_or_else(|| panic!("no error: {log}"))
        .to_owned()
}

/// The name of a database, and its URL for another role.
fn parts(url: &str) -> (&str, impl Fn(&str) -> String) {
    let (_, name) = url.rsplit_once('/').unwrap();
    let (_, rest) = url.split_once('@').unwrap();
    (name, move |role| format!("postgres://{role}@{rest}"))
}
