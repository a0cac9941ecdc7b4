//! What goes wrong, and how it is mended.

use std::{fs, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::{RngExt, rngs::StdRng};

use super::scene::Scene;
use crate::support::{Network, SmallDisk, Sql, eventually};

/// A fault; a number is that of a server.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    KillServer(usize),
    /// SIGTERM.
    StopServer(usize),
    /// SIGSTOP, and later SIGCONT.
    FreezeServer(usize),
    KillPostgres,
    /// SIGKILL to one backend, after which PostgreSQL restarts all of them.
    KillBackend,
    /// `pg_terminate_backend`.
    EndBackends,
    FreezeBackend,
    Database(usize, Network),
    Clients(usize, Network),
    /// The clock jumps, so many seconds from the right time.
    Clock(usize, i64),
    FullDisk,
}

impl Fault {
    pub(super) fn random(rng: &mut StdRng) -> Self {
        let server = rng.random_range(0..2);
        match rng.random_range(0..15) {
            0 => Self::KillServer(server),
            1 => Self::StopServer(server),
            2 => Self::FreezeServer(server),
            3 => Self::KillPostgres,
            4 => Self::KillBackend,
            5 => Self::EndBackends,
            6 => Self::FreezeBackend,
            7..10 => Self::Database(server, network(rng, 7)),
            10..13 => Self::Clients(server, network(rng, 5)),
            13 => Self::Clock(server, rng.random_range(-400_000..400_000)),
            _ => Self::FullDisk,
        }
    }

    /// Its kind.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::KillServer(_) => "server killed",
            Self::StopServer(_) => "server stopped",
            Self::FreezeServer(_) => "server frozen",
            Self::KillPostgres => "PostgreSQL killed",
            Self::KillBackend => "backend killed",
            Self::EndBackends => "backends terminated",
            Self::FreezeBackend => "backend frozen",
            Self::Database(_, network) => match network {
                Network::Refusing => "database refuses",
                Network::Silent => "database silent",
                Network::Slow(_) => "database late",
                Network::Throttled => "database throttled",
                Network::Torn => "database torn",
                _ => "database cut at COMMIT",
            },
            Self::Clients(_, network) => match network {
                Network::Refusing => "server refuses",
                Network::Silent => "server silent",
                Network::Slow(_) => "server late",
                Network::Throttled => "server throttled",
                _ => "server torn",
            },
            Self::Clock(..) => "clock jumped",
            Self::FullDisk => "disk full",
        }
    }
}

/// One of the first kinds of faults of a network.
fn network(rng: &mut StdRng, kinds: usize) -> Network {
    let all = [
        Network::Refusing,
        Network::Silent,
        Network::Slow(Duration::from_millis(rng.random_range(1..500))),
        Network::Throttled,
        Network::Torn,
        Network::CutAfterCommit,
        Network::DownAfterCommit,
    ];
    all[rng.random_range(0..kinds)]
}

const SERVICE: &str = "FROM pg_stat_activity WHERE application_name = 'mailing-groups' \
    AND datname = current_database()";

impl Scene {
    pub(super) async fn inject(&mut self, fault: &Fault) {
        match fault {
            Fault::KillServer(at) => self.servers[*at].program.try_signal(Signal::SIGKILL),
            Fault::StopServer(at) => self.servers[*at].program.try_signal(Signal::SIGTERM),
            Fault::FreezeServer(at) => self.servers[*at].program.try_signal(Signal::SIGSTOP),
            Fault::KillPostgres => self.kill_postgres(),
            Fault::KillBackend => self.signal_backend(Signal::SIGKILL).await,
            Fault::FreezeBackend => self.signal_backend(Signal::SIGSTOP).await,
            Fault::EndBackends => {
                if let Ok(sql) = Sql::try_connect(&self.url).await {
                    let end = format!("SELECT pg_terminate_backend(pid) {SERVICE}");
                    // PostgreSQL may end at the same time.
                    let _ = sql.try_rows(&end).await;
                }
            }
            Fault::Database(at, network) => self.servers[*at].database.set(*network),
            Fault::Clients(at, network) => self.servers[*at].clients.set(*network),
            Fault::Clock(at, seconds) => {
                fs::write(&self.servers[*at].clock, format!("{seconds:+}")).unwrap();
            }
            Fault::FullDisk => {
                self.filler = self
                    .filler
                    .take()
                    .or(self.disk.as_ref().map(SmallDisk::fill));
            }
        }
    }

    fn kill_postgres(&self) {
        if let Some(pid) = self.cluster.process_id() {
            signal(i32::try_from(pid).unwrap(), Signal::SIGKILL);
        }
    }

    async fn signal_backend(&self, with: Signal) {
        if let Ok(sql) = Sql::try_connect(&self.url).await {
            let busy = format!("SELECT pid {SERVICE} ORDER BY state = 'idle', random() LIMIT 1");
            for row in sql.try_rows(&busy).await.unwrap_or_default() {
                signal(row.get(0), with);
            }
        }
    }

    /// Ends all faults; what has ended starts again.
    pub(super) async fn heal(&mut self, faults: &[Fault]) {
        if let Some(filler) = self.filler.take() {
            fs::remove_file(filler).unwrap();
        }
        self.thaw_backends();
        for (at, server) in self.servers.iter_mut().enumerate() {
            server.connect();
            server.program.try_signal(Signal::SIGCONT);
            let may_end = faults
                .iter()
                .any(|it| matches!(it, Fault::KillServer(n) | Fault::StopServer(n) if *n == at));
            if may_end {
                server.program.ended().await;
                server.restart(self.folder.path()).await;
            }
            let ended = server.program.try_ended();
            assert_eq!(ended, None, "{}", server.program.log());
        }
        eventually(async || Sql::try_connect(&self.url).await.ok()).await;
    }

    /// Wakes all processes of PostgreSQL, of which any may be frozen.
    fn thaw_backends(&self) {
        let Some(postmaster) = self.cluster.process_id() else {
            return;
        };
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        let children = fs::read_to_string(children).unwrap_or_default();
        for pid in children.split_whitespace() {
            signal(pid.parse().unwrap(), Signal::SIGCONT);
        }
    }
}

/// Sends a signal to a process, if it is still there.
fn signal(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}
