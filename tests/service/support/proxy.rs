//! A network between the server and PostgreSQL, or clients and the server, with faults on demand.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
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
    /// Holds everything back until the network is in another state.
    Held,
    /// Passes everything on, late.
    Slow(Duration),
    /// Passes everything on, in small parts with pauses.
    Throttled,
    /// Cuts each connection in the middle of what comes next.
    Torn,
    /// Cuts a connection after a `COMMIT` reached PostgreSQL, before the answer to it.
    CutAfterCommit,
    /// The same, and refuses new connections.
    DownAfterCommit,
    /// Cuts the first connection on which PostgreSQL answers, with everything it would answer.
    CutAnswersOnce,
}

/// What a throttled network passes on at a time, and the pause before it.
const PART: usize = 1_000;
const PART_PAUSE: Duration = Duration::from_millis(5);

/// What is behind the network.
#[derive(Debug, Clone)]
enum Peer {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// A TCP port in front of PostgreSQL's Unix socket, or of a server.
pub(crate) struct Proxy {
    address: SocketAddr,
    url: String,
    peer: Arc<Mutex<Peer>>,
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
        let (user, database) = (config.get_user().unwrap(), config.get_dbname().unwrap());
        let url = |address| format!("postgres://{user}@{address}/{database}?sslmode=disable");
        Self::to(Peer::Unix(socket), url).await
    }

    /// A network to a server.
    pub(crate) async fn before_server(server: SocketAddr) -> Self {
        Self::to(Peer::Tcp(server), |address| format!("http://{address}")).await
    }

    async fn to(peer: Peer, url: impl FnOnce(SocketAddr) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, listener) = (listener.local_addr().unwrap(), listener.into_std().unwrap());
        let (network, _) = watch::channel(Network::Up);
        let peer = Arc::new(Mutex::new(peer));
        runtime().spawn(accept(listener, Arc::clone(&peer), network.clone()));
        let url = url(address);
        Self {
            address,
            url,
            peer,
            network,
        }
    }

    /// Leads new connections to another server.
    pub(crate) fn redirect(&self, server: SocketAddr) {
        *self.peer.lock().unwrap() = Peer::Tcp(server);
    }

    /// Its port, in place of the one behind it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the database or the server through this network.
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

async fn accept(
    listener: std::net::TcpListener,
    peer: Arc<Mutex<Peer>>,
    network: watch::Sender<Network>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((client, _)) = listener.accept().await {
        let refused = matches!(
            *network.borrow(),
            Network::Refusing | Network::DownAfterCommit
        );
        if !refused {
            let peer = peer.lock().unwrap().clone();
            tokio::spawn(connect(client, peer, network.clone()));
        }
    }
}

async fn connect(client: TcpStream, peer: Peer, network: watch::Sender<Network>) -> io::Result<()> {
    client.set_nodelay(true)?;
    match peer {
        Peer::Unix(socket) => carry(client, UnixStream::connect(socket).await?, network).await,
        Peer::Tcp(address) => {
            let server = TcpStream::connect(address).await?;
            server.set_nodelay(true)?;
            carry(client, server, network).await;
        }
    }
    Ok(())
}

/// Carries one connection until either side closes it or the network is cut.
async fn carry(
    client: TcpStream,
    server: impl AsyncRead + AsyncWrite,
    network: watch::Sender<Network>,
) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = tokio::io::split(server);
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
    async fn released(&self) {
        let mut network = self.network.subscribe();
        let released = network.wait_for(|network| *network != Network::Held);
        released.await.expect("the sender is here");
    }

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
                Network::Held => self.released().await,
                Network::Slow(delay) => tokio::time::sleep(delay).await,
                Network::Torn => return to.write_all(&bytes[..count / 2]).await,
                Network::Throttled => {
                    for part in bytes.chunks(PART) {
                        tokio::time::sleep(PART_PAUSE).await;
                        to.write_all(part).await?;
                    }
                    continue;
                }
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
