//! The program `mailing-groups`.

use std::{io::Write, process::ExitCode, time::Duration};

use clap::Parser;
use mailing_groups::{
    api, client,
    config::{Cli, Command, DatabaseOptions, ServeOptions},
    domain::{Domain, Index, maintenance},
    postgres::{self, Cluster, Durability},
    server::{self, Shutdown, signal},
    store::{self, MigrateError, Store},
    telemetry,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A call makes some hundred small allocations, many of them freed by another thread than made
/// them; with glibc's allocator that takes an eighth of the server's time, with this a half of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// How long the database may take to answer at start.
const DATABASE_START: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Some(Command::Client(command)) => return client::run(*command).await,
        Some(Command::Migrate(options)) => migrate(options).await,
        Some(Command::Serve(options)) => serve(*options).await,
        None => serve(cli.serve).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: ServeOptions) -> Result<(), Error> {
    telemetry::init(options.log_format.into(), &options.log)?;
    let stop = signal::stop_requested()?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    let shutdown = CancellationToken::new();
    tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            let signal = stop.await;
            tracing::info!("stopping on {signal}");
            shutdown.cancel();
        }
    });
    let Some(database) = shutdown
        .run_until_cancelled(Database::open(&options.database))
        .await
    else {
        return Ok(());
    };
    let database = database?;
    let outcome = serve_on(listener, &options, &database, shutdown).await;
    database.close().await?;
    outcome
}

async fn serve_on(
    listener: TcpListener,
    options: &ServeOptions,
    database: &Database,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    if !options.no_migrate {
        let migrate = migrate_when_up(&database.url);
        let Some(run) = shutdown.run_until_cancelled(migrate).await else {
            return Ok(());
        };
        let run = run?;
        if !run.is_empty() {
            tracing::info!("migrated the database: {}", run.join(", "));
        }
    }
    let connections = usize::from(options.database.database_connections);
    let store = Store::new(&database.url, connections, options.database.wait())?;
    let index = Index::new(options.index_memory << 20, connections / 2);
    let domain = Domain::new(store, index);
    let limits = options.limits();
    let routes = api::routes(domain.clone(), shutdown.clone(), limits.max_message_bytes);
    let greeting = greeting(&listener, database)?;
    let upkeep = maintenance::run(domain.clone(), options.history_retention, shutdown.clone());
    let ready = move || {
        let domain = domain.clone();
        async move { domain.is_ready().await }
    };
    // Said by then, and no sooner, so that whoever reads it can call at once.
    let announce = move || {
        // Whoever started the service may not listen, or stop listening; it serves all the same.
        let _ = writeln!(std::io::stdout(), "{greeting}");
    };
    let services = &api::SERVICES;
    let serve = server::serve_and_announce(
        listener, routes, services, ready, announce, limits, shutdown,
    );
    let (drained, ()) = tokio::join!(serve, upkeep);
    match drained? {
        Shutdown::Clean => tracing::info!("stopped; every call was answered"),
        Shutdown::Forced { connections, calls } => {
            tracing::warn!(connections, calls, "stopped; the drain timed out");
        }
    }
    Ok(())
}

async fn migrate(options: DatabaseOptions) -> Result<(), Error> {
    let database = Database::open(&options).await?;
    let outcome = store::migrate(&database.url).await;
    database.close().await?;
    let run = outcome?;
    match run.is_empty() {
        true => println!("The database is up to date."),
        false => println!("Migrated: {}.", run.join(", ")),
    }
    Ok(())
}

/// Migrates; a database that is still starting gets time to.
async fn migrate_when_up(url: &str) -> Result<Vec<String>, MigrateError> {
    let give_up = tokio::time::Instant::now() + DATABASE_START;
    loop {
        match store::migrate(url).await {
            Err(MigrateError::Connect(error)) if tokio::time::Instant::now() < give_up => {
                let error = chain(&error);
                tracing::warn!(error, "the database does not answer yet; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            outcome => return outcome,
        }
    }
}

/// What is served, where the data lies and what to try next.
fn greeting(listener: &TcpListener, database: &Database) -> Result<String, Error> {
    let address = listener.local_addr()?;
    let (version, place) = (env!("CARGO_PKG_VERSION"), &database.place);
    Ok(format!(
        "mailing-groups {version} serves gRPC on {address}\n\
         Data: {place}\n\
         Try:  make import DATA=examples\n\
         \x20     grpcurl -plaintext {address} list\n\
         \x20     and the tour in README.md. Ctrl-C stops it."
    ))
}

/// The database that is served: a named one, or a private one that ends with the program.
struct Database {
    url: String,
    place: String,
    cluster: Option<Cluster>,
}

impl Database {
    async fn open(options: &DatabaseOptions) -> Result<Self, postgres::Error> {
        if let Some(url) = options.url() {
            let place = "the PostgreSQL named by --database-url".to_owned();
            return Ok(Self {
                url,
                place,
                cluster: None,
            });
        }
        let options = postgres::Options {
            data_dir: options.data_dir.clone(),
            durability: Durability::Full,
            max_connections: u32::from(options.database_connections) + 16,
        };
        let cluster = Cluster::start(options).await?;
        let (data_dir, version) = (cluster.data_dir().display(), cluster.version());
        let place = format!("{data_dir} (private PostgreSQL {version})");
        Ok(Self {
            url: cluster.url().to_owned(),
            place,
            cluster: Some(cluster),
        })
    }

    async fn close(self) -> Result<(), postgres::Error> {
        match self.cluster {
            Some(cluster) => cluster.stop().await,
            None => Ok(()),
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
