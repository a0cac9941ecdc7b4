//! Makes connections to the database: to the first of its hosts that answers and allows writes, if it has
//! several.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UnixStream,
    task::AbortHandle,
    time::timeout,
};
use tokio_postgres::{
    CancelToken, Client, Config, Connection, NoTls, SimpleQueryMessage,
    config::{Host, LoadBalanceHosts, SslMode, SslNegotiation, TargetSessionAttrs},
    tls::TlsStream,
};

use super::{
    InvalidUrl,
    error::{ConnectError, describe},
    passfile,
    tap::{Tap, Tapped},
    tls::MakeTls,
    url::UrlOptions,
};

/// Time limit of making a connection, and of a request to cancel a statement.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a host may take before the next one is tried too (RFC 8305): a host that lost its power or
/// its network does not answer at all.
const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// What is known of a connection, apart from its client.
pub(super) struct ConnectionHandle {
    pub(super) tap: Tap,
    /// Reads and writes. Aborting it closes the connection, which fails its requests.
    pub(super) driver: AbortHandle,
}

/// Makes connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    config: Arc<Config>,
    /// The configuration of each host.
    hosts: Arc<[Config]>,
    /// The host of the last connection, which is tried first.
    last: Arc<AtomicUsize>,
    tls: MakeTls,
}

impl Connector {
    /// Reads a `postgres://` URL. `sslmode` means what it means to libpq. Of several hosts, one that
    /// allows writes is used, unless the URL says otherwise.
    pub(super) fn new(url: &str) -> Result<Self, InvalidUrl> {
        Self::requiring(url, |hosts| {
            (hosts > 1).then_some(TargetSessionAttrs::ReadWrite)
        })
    }

    /// As [`Self::new`], but a host is used that allows no writes.
    pub(super) fn to_standby(url: &str) -> Result<Self, InvalidUrl> {
        Self::requiring(url, |_| Some(TargetSessionAttrs::ReadOnly))
    }

    /// What a host has to be, if the URL does not say so, depends on how many there are.
    fn requiring(
        url: &str,
        target: fn(usize) -> Option<TargetSessionAttrs>,
    ) -> Result<Self, InvalidUrl> {
        let (url, options) = UrlOptions::split(url)?;
        let mut config: Config = url.parse()?;
        if config.get_application_name().is_none() {
            config.application_name("mailing-groups");
        }
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        if let Some(target) = target(hosts)
            && !url.contains("target_session_attrs")
        {
            config.target_session_attrs(target);
        }
        let hosts = (0..hosts.max(1)).map(|at| {
            let mut host = of_host(&config, at);
            if let (Some(file), None) = (&options.passfile, config.get_password())
                && let Some(password) = passfile::password(file, &host)?
            {
                host.password(password);
            }
            Ok(host)
        });
        let hosts = hosts.collect::<Result<_, InvalidUrl>>()?;
        Ok(Self {
            hosts,
            last: Arc::default(),
            tls: MakeTls::new(&options)?,
            config: Arc::new(config),
        })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Makes a connection.
    pub(super) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let opened = self.open().await;
        let (client, _) =
            opened.map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
        AsyncPgConnection::try_from(client).await
    }

    /// Makes a connection of the driver; it is closed when the client is dropped.
    pub(super) async fn open(&self) -> Result<(Client, ConnectionHandle), ConnectError> {
        timeout(TIMEOUT, self.open_any())
            .await
            .unwrap_or(Err(ConnectError::TimedOut))
    }

    /// Tries the hosts in order, and the next one while those before it do not answer.
    async fn open_any(&self) -> Result<(Client, ConnectionHandle), ConnectError> {
        let any = self.config.get_target_session_attrs() == TargetSessionAttrs::Any;
        let head_start = if any {
            TIMEOUT
        } else {
            CONNECTION_ATTEMPT_DELAY
        };
        let first = if any {
            0
        } else {
            self.last.load(Ordering::Relaxed)
        };
        let mut order: Vec<_> = (0..self.hosts.len()).collect();
        match self.config.get_load_balance_hosts() {
            LoadBalanceHosts::Random => fastrand::shuffle(&mut order),
            _ => order.sort_by_key(|at| *at != first),
        }
        let mut waiting = order.into_iter();
        let mut attempts = FuturesUnordered::new();
        let mut failure = None;
        loop {
            if let Some(at) = waiting.next() {
                attempts.push(async move { (at, self.open_host(&self.hosts[at]).await) });
            }
            match timeout(head_start, attempts.next()).await {
                Ok(Some((at, Ok(connection)))) => {
                    self.last.store(at, Ordering::Relaxed);
                    return Ok(connection);
                }
                // Another host may be only away.
                Ok(Some((_, Err(error)))) => {
                    failure = match failure {
                        Some(earlier) if error.is_permanent() => Some(earlier),
                        _ => Some(error),
                    }
                }
                Ok(None) => return Err(failure.unwrap_or(ConnectError::TimedOut)),
                Err(_) => {}
            }
        }
    }

    async fn open_host(&self, host: &Config) -> Result<(Client, ConnectionHandle), ConnectError> {
        let tap = Tap::default();
        let connected = match unix_socket(host) {
            Some(path) => {
                let stream = UnixStream::connect(path)
                    .await
                    .map_err(ConnectError::Socket)?;
                let stream = Tapped::new(stream, tap.clone());
                let mut config = host.clone();
                config.ssl_mode(SslMode::Disable);
                config.connect_raw(stream, NoTls).await.map(spawn)
            }
            None => {
                let tls = self.tls.tapped(tap.clone());
                host.connect(tls).await.map(spawn)
            }
        };
        let (client, driver) = connected.map_err(ConnectError::Driver)?;
        let wanted = match self.config.get_target_session_attrs() {
            TargetSessionAttrs::ReadWrite => Some(false),
            TargetSessionAttrs::ReadOnly => Some(true),
            _ => None,
        };
        if let Some(wanted) = wanted
            && is_read_only(&client).await.map_err(ConnectError::Driver)? != wanted
        {
            return Err(ConnectError::ReadOnly(!wanted));
        }
        Ok((client, ConnectionHandle { tap, driver }))
    }

    /// Requests the server to cancel the statement of a connection.
    pub(super) async fn cancel(&self, token: &CancelToken) {
        let sockets = self.hosts.iter().filter_map(unix_socket);
        let cancel = async {
            // A host without such a connection ignores the request.
            for path in sockets {
                if let Ok(stream) = UnixStream::connect(path).await {
                    let _ = token.cancel_query_raw(stream, NoTls).await;
                }
            }
            let _ = token.cancel_query(self.tls.clone()).await;
        };
        // If it fails, the connection is closed all the same.
        let _ = timeout(TIMEOUT, cancel).await;
    }
}

/// The configuration of one of the hosts.
fn of_host(all: &Config, at: usize) -> Config {
    let mut one = Config::new();
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(name) = all.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    if let Some(name) = all.get_application_name() {
        one.application_name(name);
    }
    if let Some(address) = all.get_hostaddrs().get(at) {
        one.hostaddr(*address);
    }
    match (all.get_hosts().get(at), all.get_hostaddrs().get(at)) {
        (Some(Host::Tcp(name)), _) => one.host(name),
        (Some(Host::Unix(directory)), _) => one.host_path(directory),
        // The driver needs a host name for every address that TLS is negotiated with.
        (None, Some(address)) => one.host(address.to_string()),
        (None, None) => &mut one,
    };
    let ports = all.get_ports();
    one.port(ports.get(at).or(ports.first()).copied().unwrap_or(5432));
    // A connection over a dead network is closed within half a minute, idle or not.
    one.connect_timeout(TIMEOUT)
        .keepalives_idle(Duration::from_secs(15))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(30));
    // The driver leaves negotiating TLS to `MakeTls`, which taps the stream in every mode.
    one.channel_binding(all.get_channel_binding())
        .keepalives(all.get_keepalives())
        .ssl_mode(SslMode::Require)
        .ssl_negotiation(SslNegotiation::Direct);
    one
}

/// The path of the socket, if the host is a directory of Unix sockets. PostgreSQL does not support TLS
/// there, and the driver cannot tap such a socket.
fn unix_socket(host: &Config) -> Option<PathBuf> {
    match (host.get_hosts(), host.get_ports()) {
        ([Host::Unix(directory)], [port]) => Some(directory.join(format!(".s.PGSQL.{port}"))),
        _ => None,
    }
}

async fn is_read_only(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let messages = client.simple_query("SHOW transaction_read_only").await?;
    Ok(messages
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("on"))))
}

/// Runs a connection in the background.
fn spawn<S, T>((client, connection): (Client, Connection<S, T>)) -> (Client, AbortHandle)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsStream + Unpin + Send + 'static,
{
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("a database connection ended: {}", describe(&error));
        }
    });
    (client, driver.abort_handle())
}

#[cfg(test)]
mod tests;
