//! Servers stop and start again one after the other, under load, and no call is lost.

mod client;
mod stops;

use std::{future::Future, net::SocketAddr, path::Path};

use mailing_groups::pb::GetContactRequest;
use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::client::Balanced;
use crate::{
    support::{Program, Tenant, database, person, scratch, serve},
    wire::raw::GET,
};

const CLIENTS: usize = 8;

/// Two servers on one database, each always on the same port.
pub(crate) struct Pair {
    folder: TempDir,
    url: String,
    servers: [(Program, SocketAddr); 2],
}

async fn start(folder: &Path, url: &str, address: &str) -> (Program, SocketAddr) {
    let arguments = ["--database-url", url];
    let mut program = Program::spawn_on(address, folder, &arguments, &[]);
    let address = program.address().await;
    (program, address)
}

impl Pair {
    pub(crate) async fn start() -> Self {
        let (folder, url) = (scratch(), database().await);
        let servers = [
            start(folder.path(), &url, "127.0.0.1:0").await,
            start(folder.path(), &url, "127.0.0.1:0").await,
        ];
        let mut tenant = Tenant::over(serve::channel(servers[0].1), "default");
        tenant.create(person("P", "")).await;
        Self {
            folder,
            url,
            servers,
        }
    }

    pub(crate) fn addresses(&self) -> [SocketAddr; 2] {
        [self.servers[0].1, self.servers[1].1]
    }

    /// Stops a server and starts it again.
    async fn restart(&mut self, at: usize) {
        let (program, address) = &mut self.servers[at];
        program.signal(Signal::SIGTERM);
        let ended = program.ended().await;
        assert!(ended.success(), "{}", program.log());
        let address = address.to_string();
        self.servers[at] = start(self.folder.path(), &self.url, &address).await;
    }

    /// Restarts the servers in turns while clients call, each over connections of its own; how many
    /// calls were answered.
    async fn restart_under_load(&mut self, restarts: usize) -> usize {
        let addresses = self.addresses();
        let client = |number, stop| call(Balanced::new(&addresses, number), stop);
        self.restart_under(restarts, client).await
    }

    /// Restarts the servers in turns while clients work; the sum of what they return when they are
    /// stopped. Each has a number.
    pub(crate) async fn restart_under<F>(
        &mut self,
        restarts: usize,
        client: impl Fn(usize, CancellationToken) -> F,
    ) -> usize
    where
        F: Future<Output = usize> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let clients = (0..CLIENTS).map(|number| client(number, stop.clone()));
        let clients: JoinSet<usize> = clients.collect();
        for at in 0..restarts {
            self.restart(at % 2).await;
        }
        stop.cancel();
        clients.join_all().await.into_iter().sum()
    }
}

/// Calls until stopped; each call has to succeed.
async fn call(mut client: Balanced, stop: CancellationToken) -> usize {
    let mut answered = 0;
    while !stop.is_cancelled() {
        let request = GetContactRequest { id: "P".into() };
        let status = client.call(GET, request).await;
        assert_eq!(status.code(), tonic::Code::Ok, "{status:?}");
        answered += 1;
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_loses_no_call() {
    let mut pair = Pair::start().await;
    let answered = pair.restart_under_load(4).await;
    println!("{answered} calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: make torture"]
async fn many_rolling_restarts_lose_no_call() {
    let mut pair = Pair::start().await;
    let answered = pair.restart_under_load(20).await;
    println!("{answered} calls");
}
