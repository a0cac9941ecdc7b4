//! The program `mailing-groups`.

mod greeting;
mod listen;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use mailing_groups::{
    api, client,
    config::{
        AuthCommand, Cli, Command, MigrateOptions, ServeOptions, TelemetryOptions, TenantMode,
    },
    database::{self, Migrates, ServedDatabase},
    domain::{Domain, SetCache, UnknownTenants, maintenance},
    init, metrics,
    server::{
        self, Ports, Shutdown,
        http::ReadyState,
        signal::{self, OnHangup},
    },
    systemd,
    telemetry::{self, LogFormat, LogOptions},
};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use self::{
    greeting::Greeting,
    listen::{bind, check_exposure, listener},
};

/// A call makes some hundred small allocations, many of them freed by another thread than the one
/// that made them. They take an eighth of the server's time with glibc's allocator, half of that
/// with mimalloc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// How long to wait for the database at start.
const DATABASE_START: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    if init::is_needed() {
        return init::run().unwrap_or_else(|error| {
            eprintln!("error: the program cannot be started as a child of PID 1: {error}");
            ExitCode::FAILURE
        });
    }
    program()
}

#[tokio::main]
async fn program() -> ExitCode {
    let cli = Cli::from_command_line();
    let outcome = match cli.command {
        Some(Command::Client(command)) => return client::run(*command).await,
        Some(Command::Migrate(options)) => until_stopped(migrate(options)).await,
        Some(Command::Check(options)) => match until_stopped(database::check(&options)).await {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::from(3),
            Err(error) => Err(error),
        },
        Some(Command::Auth(AuthCommand::NewKey(options))) => options.run().map_err(Into::into),
        Some(Command::Completions(options)) => options.run().map_err(Into::into),
        Some(Command::Man(options)) => options.run().map_err(Into::into),
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

/// Runs `work` unless a signal stops it. Dropping it stops its private PostgreSQL.
async fn until_stopped<T, E: Into<Error>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Error> {
    let stop = signal::stop_requested(OnHangup::Stop)?;
    tokio::select! {
        done = work => done.map_err(Into::into),
        signal = stop => Err(format!("stopped by {signal}").into()),
    }
}

async fn serve(options: ServeOptions) -> Result<(), Error> {
    let telemetry = telemetry::init(options.telemetry.logs())?;
    let served = run_service(options).await;
    telemetry.flush().await;
    served
}

async fn run_service(options: ServeOptions) -> Result<(), Error> {
    let auth_config = options.auth.auth_config.as_ref();
    let asks_for_certificates = options.tls.tls_client_ca.is_some();
    let authenticates = auth_config.is_some() || asks_for_certificates;
    check_exposure(&options, authenticates)?;
    // A client without a certificate may send a token.
    let tls = options.tls.files(auth_config.is_none());
    let authenticator = options.auth.authenticator(asks_for_certificates)?;
    let (reload, reloads) = watch::channel(());
    let stop = signal::stop_requested(match authenticator.is_on() || tls.is_some() {
        true => OnHangup::Reload(reload),
        false => OnHangup::Stop,
    })?;
    let following = tokio::spawn(authenticator.clone().follow(reloads.clone()));
    let _following = AbortOnDropHandle::new(following);
    let tcp = bind(options.listen, "--listen").await?;
    let shutdown = CancellationToken::new();
    let (ready, _http) = serve_http(&options.telemetry, &shutdown).await?;
    let (listener, _following) = listener(tcp, tls, reloads)?;
    let ports = listen::ports(listener, &options, authenticates).await?;
    tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            let signal = stop.await;
            tracing::info!("stopping on {signal}");
            systemd::stopping();
            shutdown.cancel();
        }
    });
    let Some(database) = shutdown
        .run_until_cancelled(ServedDatabase::open(&options.database))
        .await
    else {
        return Ok(());
    };
    let database = database?;
    let settings = server::Settings {
        limits: options.limits(),
        reflection: options.auth.reflection(),
        authenticator,
    };
    let served = serve_database(ports, &options, settings, &database, ready, shutdown).await;
    database.close().await?;
    served
}

/// Starts the HTTP listener, if there is to be one, and with it the metrics.
async fn serve_http(
    options: &TelemetryOptions,
    shutdown: &CancellationToken,
) -> Result<(ReadyState, Option<AbortOnDropHandle<()>>), Error> {
    let ready = ReadyState::not_yet("starting", shutdown.clone());
    let Some(address) = options.http_listen else {
        return Ok((ready, None));
    };
    let listener = bind(address, "--http-listen").await?;
    metrics::install()?;
    if options.metrics_tenants > 0 {
        server::count_by_tenant(options.metrics_tenants);
    }
    let address = listener.local_addr()?;
    tracing::info!("metrics and probes on http://{address}");
    let task = tokio::spawn(server::http::serve(listener, ready.clone()));
    Ok((ready, Some(AbortOnDropHandle::new(task))))
}

async fn serve_database(
    ports: Ports,
    options: &ServeOptions,
    settings: server::Settings,
    database: &ServedDatabase,
    readiness: ReadyState,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let prepare = prepare(database, options);
    let Some(prepared) = shutdown.run_until_cancelled(prepare).await else {
        return Ok(());
    };
    prepared?;
    let store = database.store(&options.database, &options.replica)?;
    let loads = usize::from(options.database.database_connections) / 2;
    let cache = SetCache::new(options.index_memory << 20, loads);
    let unknown_tenants = match options.tenants {
        TenantMode::Implicit => UnknownTenants::Empty,
        TenantMode::Explicit => UnknownTenants::Refused,
    };
    let domain = Domain::new(store, cache).with_unknown_tenants(unknown_tenants);
    let max_message_bytes = settings.limits.max_message_bytes;
    let routes = api::routes(domain.clone(), shutdown.clone(), max_message_bytes);
    let greeting = greeting(&ports, database, options)?;
    let rates = Arc::clone(&settings.limits.rates);
    let rates = api::rates::follow(domain.clone(), rates, shutdown.clone());
    let maintenance = maintenance::run(domain.clone(), options.history_retention, shutdown.clone());
    let ready = move || {
        let domain = domain.clone();
        async move { domain.ready().await }
    };
    // Printed when the service is ready, so that it can be called at once.
    let mut greeting = Some(greeting);
    let changed = move |obstacle: Option<&str>| {
        readiness.set(obstacle);
        if obstacle.is_none()
            && let Some(greeting) = greeting.take()
        {
            // A closed standard output does not stop the service.
            let _ = writeln!(std::io::stdout(), "{greeting}");
            systemd::ready();
        }
    };
    let services = &api::SERVICES;
    let serve = server::serve(ports, routes, services, ready, changed, settings, shutdown);
    let (stopped, (), ()) = tokio::join!(serve, maintenance, rates);
    match stopped? {
        Shutdown::Clean => tracing::info!("stopped; every call was completed"),
        Shutdown::Forced { connections, calls } => {
            tracing::warn!(connections, calls, "stopped; the drain timed out");
        }
    }
    Ok(())
}

fn greeting(
    ports: &Ports,
    database: &ServedDatabase,
    options: &ServeOptions,
) -> io::Result<String> {
    let tls = ports.grpc.tls().map(|it| (it.source(), it.current()));
    let web = ports.web.as_ref().map(|it| it.listener.address());
    let greeting = Greeting {
        address: ports.grpc.address()?,
        web: web.transpose()?,
        database: database.name(),
        retention: options.history_retention,
        tls: tls.as_ref().map(|(files, tls)| (*files, &**tls)),
        auth_config: options.auth.auth_config.as_deref(),
    };
    Ok(greeting.text())
}

/// Waits for the database, checks it and migrates it.
async fn prepare(database: &ServedDatabase, options: &ServeOptions) -> Result<(), Error> {
    let migrates = match options.no_migrate {
        true => Migrates::No,
        false => Migrates::WithLockIn(options.database.migration_wait),
    };
    let migrated = database.prepare(DATABASE_START, migrates).await?;
    if !migrated.is_empty() {
        tracing::info!("migrated the database: {}", migrated.join(", "));
    }
    Ok(())
}

async fn migrate(options: MigrateOptions) -> Result<(), Error> {
    // For the wait for another process.
    let logs = LogOptions {
        format: LogFormat::Text,
        filter: "warn",
        access: false,
    };
    let _telemetry = telemetry::init(logs)?;
    let result = database::migrate(&options).await?;
    // stdout may be closed.
    let _ = writeln!(std::io::stdout(), "{result}");
    Ok(())
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
