//! A network between the server and PostgreSQL with faults on demand.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use tokio_postgres::config::Host;

use super::{runtime, within};

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// Passes everything on.
    Up,
    /// Cuts all connections and any new one.
    Refusing,
    /// Drops everything. A connection that lost bytes stays silent.
    Silent,
    /// Passes everything on, up to this text on its way to PostgreSQL. After it, drops what comes on that
    /// connection, and is up for the others.
    SilentAfter(&'static str),
    /// Passes everything on, late.
    Slow(Duration),
    /// Cuts a connection after a `COMMIT` reached PostgreSQL, before the answer to it.
    CutAfterCommit,
    /// The same, and refuses new connections.
    DownAfterCommit,
    /// Cuts the first connection on which PostgreSQL answers, with everything it would answer.
    CutAnswersOnce,
}

/// A TCP port in front of PostgreSQL's Unix socket.
pub(crate) struct Proxy {
    address: SocketAddr,
    url: String,
    network: watch::Sender<Network>,
}

impl Proxy {
    /// A network to the database of this URL.
    pub(crate) async fn before(database_url: &str) -> Self {
        let config: tokio_postgres::Config = database_url.parse().unwrap();
        let Host::Unix(folder) = &config.get_hosts()[0] else {
            panic!("not on a Unix socket: {database_url}");
        };
        let socket = folder.join(format!(".s.PGSQL.{}", config.get_ports()[0]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, listener) = (listener.local_addr().unwrap(), listener.into_std().unwrap());
        let (network, _) = watch::channel(Network::Up);
        runtime().spawn(accept(listener, socket, network.clone()));
        let (user, database) = (config.get_user().unwrap(), config.get_dbname().unwrap());
        let url = format!("postgres://{user}@{address}/{database}?sslmode=disable");
        Self {
            address,
            url,
            network,
        }
    }

    /// Its port, for PostgreSQL's.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The database's URL through this network.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the network is up, by itself.
    pub(crate) async fn until_up(&self) {
        let mut network = self.network.subscribe();
        let up = network.wait_for(|network| *network == Network::Up);
        within(up).await.unwrap();
    }

    /// Sets the state of the network.
    pub(crate) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

async fn accept(listener: std::net::TcpListener, socket: PathBuf, network: watch::Sender<Network>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((client, _)) = listener.accept().await {
        let refused = matches!(
            *network.borrow(),
            Network::Refusing | Network::DownAfterCommit
        );
        if !refused {
            tokio::spawn(carry(client, socket.clone(), network.clone()));
        }
    }
}

/// Carries one connection until either side closes it or the network is cut.
async fn carry(client: TcpStream, socket: PathBuf, network: watch::Sender<Network>) {
    let Ok(server) = UnixStream::connect(socket).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let wire = Arc::new(Wire {
        network: network.clone(),
        mute: AtomicBool::new(false),
        committing: AtomicBool::new(false),
    });
    let mut cut = network.subscribe();
    tokio::select! {
        _ = cut.wait_for(|network| *network == Network::Refusing) => {}
        _ = wire.pass(from_client, to_server, false) => {}
        _ = wire.pass(from_server, to_client, true) => {}
    }
}

struct Wire {
    network: watch::Sender<Network>,
    mute: AtomicBool,
    committing: AtomicBool,
}

impl Wire {
    /// Passes on what comes, until it ends or is cut.
    async fn pass(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        answers: bool,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            let bytes = &buffer[..count];
            let network = *self.network.borrow();
            match network {
                Network::Silent => self.mute.store(true, Ordering::SeqCst),
                Network::Slow(delay) => tokio::time::sleep(delay).await,
                Network::CutAnswersOnce if answers => {
                    self.network.send_replace(Network::Up);
                    return Ok(());
                }
                Network::CutAfterCommit | Network::DownAfterCommit
                    if answers && self.committing.load(Ordering::SeqCst) =>
                {
                    return Ok(());
                }
                Network::CutAfterCommit | Network::DownAfterCommit
                    if bytes.windows(6).any(|word| word == b"COMMIT") =>
                {
                    self.committing.store(true, Ordering::SeqCst);
                }
                _ => {}
            }
            if !self.mute.load(Ordering::SeqCst) {
                to.write_all(bytes).await?;
            }
            if let Network::SilentAfter(text) = network
                && !answers
                && bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            {
                self.mute.store(true, Ordering::SeqCst);
                self.network.send_replace(Network::Up);
            }
        }
    }
}
