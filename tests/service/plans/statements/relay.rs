//! A network to PostgreSQL that keeps the statements that are prepared, and the plans which auto_explain
//! reports as notices.

use std::{
    collections::BTreeSet,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};
use tokio_postgres::config::Host;

use crate::support::eventually;

/// Makes every connection to a database report the plan of each statement, also of those within
/// functions and of the checks of foreign keys.
pub(super) const EXPLAIN: &str = "
    ALTER DATABASE @ SET session_preload_libraries = 'auto_explain';
    ALTER DATABASE @ SET auto_explain.log_min_duration = 0;
    ALTER DATABASE @ SET auto_explain.log_analyze = on;
    ALTER DATABASE @ SET auto_explain.log_timing = off;
    ALTER DATABASE @ SET auto_explain.log_buffers = on;
    ALTER DATABASE @ SET auto_explain.log_nested_statements = on;
    ALTER DATABASE @ SET auto_explain.log_format = json;
    ALTER DATABASE @ SET auto_explain.log_level = notice;
    ALTER DATABASE @ SET client_min_messages = notice;";

/// A port in front of PostgreSQL.
pub(super) struct Relay {
    pub(super) url: String,
    plans: Plans,
    statements: Statements,
    connections: Connections,
}

type Plans = Arc<Mutex<Vec<Value>>>;

/// The texts, and the types of their parameters.
type Statements = Arc<Mutex<BTreeSet<(String, Vec<u32>)>>>;

/// Where PostgreSQL listens.
#[derive(Clone)]
enum Target {
    Unix(PathBuf),
    Tcp(String, u16),
}

/// The open connections.
type Connections = Arc<Mutex<Vec<Arc<Wire>>>>;

/// A connection.
struct Wire {
    plans: Plans,
    statements: Statements,
    /// How many requests PostgreSQL has still to answer, and whether a transaction is open.
    busy: AtomicI64,
}

impl Relay {
    /// A network to the database of this URL.
    pub(super) async fn before(database_url: &str) -> Self {
        let config: tokio_postgres::Config = database_url.parse().unwrap();
        let port = config.get_ports()[0];
        let target = match &config.get_hosts()[0] {
            Host::Unix(folder) => Target::Unix(folder.join(format!(".s.PGSQL.{port}"))),
            Host::Tcp(host) => Target::Tcp(host.clone(), port),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (user, database) = (config.get_user().unwrap(), config.get_dbname().unwrap());
        let relay = Self {
            url: format!("postgres://{user}@{address}/{database}?sslmode=disable"),
            plans: Plans::default(),
            statements: Statements::default(),
            connections: Connections::default(),
        };
        tokio::spawn(accept(
            listener,
            target,
            relay.plans.clone(),
            relay.statements.clone(),
            relay.connections.clone(),
        ));
        relay
    }

    /// The statements that were prepared.
    pub(super) fn statements(&self) -> BTreeSet<(String, Vec<u32>)> {
        self.statements.lock().unwrap().clone()
    }

    /// The plans since the last call, once PostgreSQL has answered everything.
    pub(super) async fn take_plans(&self) -> Vec<Value> {
        eventually(async || {
            let connections = self.connections.lock().unwrap();
            let is_idle = |wire: &Arc<Wire>| wire.busy.load(Ordering::SeqCst) == 0;
            connections.iter().all(is_idle).then_some(())
        })
        .await;
        std::mem::take(&mut *self.plans.lock().unwrap())
    }
}

async fn accept(
    listener: TcpListener,
    target: Target,
    plans: Plans,
    statements: Statements,
    connections: Connections,
) {
    while let Ok((client, _)) = listener.accept().await {
        let wire = Arc::new(Wire {
            plans: plans.clone(),
            statements: statements.clone(),
            busy: AtomicI64::new(0),
        });
        connections.lock().unwrap().push(Arc::clone(&wire));
        let (target, connections) = (target.clone(), connections.clone());
        tokio::spawn(async move {
            let ended = match target {
                Target::Unix(socket) => {
                    let (from, to) = UnixStream::connect(socket).await.unwrap().into_split();
                    wire.pass(client, from, to).await
                }
                Target::Tcp(host, port) => {
                    let server = TcpStream::connect((host, port)).await.unwrap();
                    let (from, to) = server.into_split();
                    wire.pass(client, from, to).await
                }
            };
            let mut connections = connections.lock().unwrap();
            connections.retain(|it| !Arc::ptr_eq(it, &wire));
            ended
        });
    }
}

impl Wire {
    async fn pass(
        &self,
        client: TcpStream,
        from_server: impl AsyncRead + Unpin,
        to_server: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let (from_client, to_client) = client.into_split();
        tokio::try_join!(
            self.pass_requests(from_client, to_server),
            self.pass_answers(from_server, to_client)
        )?;
        Ok(())
    }

    async fn pass_requests(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        // The first message has no type.
        let start = message(&mut from, 0).await?;
        self.busy.fetch_add(1, Ordering::SeqCst);
        to.write_all(&start).await?;
        loop {
            let request = message(&mut from, 1).await?;
            if request[0] == b'P' {
                self.keep_statement(&request[5..]);
            }
            // A simple query, or the end of an extended one.
            if matches!(request[0], b'Q' | b'S') {
                self.busy.fetch_add(1, Ordering::SeqCst);
            }
            to.write_all(&request).await?;
        }
    }

    async fn pass_answers(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let mut in_transaction = 0;
        loop {
            let answer = message(&mut from, 1).await?;
            match answer[0] {
                b'N' => self.keep_plan(&answer[5..]),
                b'Z' => {
                    let open = i64::from(answer[5] != b'I');
                    self.busy
                        .fetch_add(open - in_transaction - 1, Ordering::SeqCst);
                    in_transaction = open;
                }
                _ => {}
            }
            to.write_all(&answer).await?;
        }
    }

    /// Keeps a statement that is prepared: its name, its text, both ended by 0, and the types.
    fn keep_statement(&self, message: &[u8]) {
        let mut parts = message.splitn(3, |byte| *byte == 0);
        let (_, text, types) = (parts.next(), parts.next().unwrap(), parts.next().unwrap());
        let types = types[2..].chunks_exact(4);
        let types = types.map(|oid| u32::from_be_bytes(oid.try_into().unwrap()));
        let text = str::from_utf8(text).unwrap().to_owned();
        let mut statements = self.statements.lock().unwrap();
        statements.insert((text, types.collect()));
    }

    /// Keeps the plan of a notice: fields that begin with their type and end with 0.
    fn keep_plan(&self, fields: &[u8]) {
        let mut fields = fields.split(|byte| *byte == 0);
        let text = fields.find_map(|field| field.strip_prefix(b"M")).unwrap();
        let text = str::from_utf8(text).unwrap();
        if let Some((_, plan)) = text.split_once("plan:\n") {
            let plan = serde_json::from_str(plan).unwrap();
            self.plans.lock().unwrap().push(plan);
        }
    }
}

/// A message of PostgreSQL's protocol, after a type of so many bytes.
async fn message(from: &mut (impl AsyncRead + Unpin), kind: usize) -> io::Result<Vec<u8>> {
    let mut message = vec![0; kind + 4];
    from.read_exact(&mut message).await?;
    let length = u32::from_be_bytes(message[kind..].try_into().unwrap());
    message.resize(kind + length as usize, 0);
    from.read_exact(&mut message[kind + 4..]).await?;
    Ok(message)
}
