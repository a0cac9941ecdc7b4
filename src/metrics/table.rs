//! All metrics of the service: registration, help and the table in docs/operations.md come from here.

use metrics::Unit;

use super::{Kind, Metric};

/// Seconds of a call: from a cached read to a stream of an hour.
const CALL_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    300.0, 1_800.0, 3_600.0,
];

/// Seconds of a wait within a call.
const WAIT_SECONDS: &[f64] = &[
    0.000_1, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// Seconds by which a watcher is late.
const DELAY_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3_600.0, 86_400.0,
];

/// Items that run together.
const ITEMS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0,
];

/// The labels of a method.
const METHOD: &[&str] = &["grpc_type", "grpc_service", "grpc_method"];

/// Declares each metric as a constant, and all of them as a list.
macro_rules! table {
    ($($constant:ident: $kind:expr, $unit:expr, $name:literal $labels:expr, $help:literal;)*) => {
        $(#[doc = $help]
        pub(crate) const $constant: Metric = Metric {
            name: $name,
            kind: $kind,
            unit: $unit,
            labels: $labels,
            help: $help,
        };)*

        /// All metrics.
        pub(super) const ALL: &[Metric] = &[$($constant),*];
    };
}

table! {
    CALLS_STARTED: Kind::Counter, Unit::Count, "grpc_server_started_total" METHOD,
        "Calls that were begun.";
    CALLS_HANDLED: Kind::Counter, Unit::Count,
        "grpc_server_handled_total" &["grpc_type", "grpc_service", "grpc_method", "grpc_code"],
        "Calls that have ended, by their code; a stream ends with its last message.";
    CALL_SECONDS_TAKEN: Kind::Histogram(CALL_SECONDS), Unit::Seconds,
        "grpc_server_handling_seconds" METHOD,
        "Time from the beginning to the end of a call.";
    CALLS_OPEN: Kind::Gauge, Unit::Count, "mailing_groups_open_calls" METHOD,
        "Open calls. Watchers are those of WatchChanges, imports those of ImportContacts and ImportMemberships.";
    PLACES_USED: Kind::Gauge, Unit::Count, "mailing_groups_call_places_used" &["class"],
        "Places for calls that are taken: unary, stream, and long_lived for health watches and reflection.";
    PLACES_LIMIT: Kind::Gauge, Unit::Count, "mailing_groups_call_places_limit" &["class"],
        "Places for calls: --max-calls and --max-streams.";
    CONNECTIONS: Kind::Gauge, Unit::Count, "mailing_groups_connections" &[],
        "Open connections of clients.";
    CONNECTIONS_LIMIT: Kind::Gauge, Unit::Count, "mailing_groups_connections_limit" &[],
        "The most connections of clients: --max-connections.";
    REQUEST_MEMORY: Kind::Gauge, Unit::Bytes, "mailing_groups_request_memory_bytes" &[],
        "Memory of requests that arrive or wait.";
    REQUEST_MEMORY_LIMIT: Kind::Gauge, Unit::Bytes, "mailing_groups_request_memory_limit_bytes" &[],
        "The most memory for requests: --request-memory.";
    REFUSALS: Kind::Counter, Unit::Count, "mailing_groups_refusals_total" &["reason"],
        "Calls, and items of batches, that were refused, by the reason in their ErrorInfo.";
    TENANT_CALLS: Kind::Counter, Unit::Count, "mailing_groups_tenant_calls_total" &["tenant", "outcome"],
        "Calls of a tenant: ok, refused, or failed by a fault of the service. Only with --metrics-tenants.";
    READY: Kind::Gauge, Unit::Count, "mailing_groups_ready" &[],
        "1 while the health is SERVING, else 0.";
    DATABASE_CONNECTIONS: Kind::Gauge, Unit::Count, "mailing_groups_database_connections" &["state"],
        "Connections to the database, idle and used.";
    DATABASE_CONNECTIONS_LIMIT: Kind::Gauge, Unit::Count, "mailing_groups_database_connections_limit" &[],
        "The most connections to the database: --database-connections.";
    DATABASE_WAITING: Kind::Gauge, Unit::Count, "mailing_groups_database_waiting" &[],
        "Calls that wait for a connection to the database.";
    DATABASE_WAIT_SECONDS: Kind::Histogram(WAIT_SECONDS), Unit::Seconds,
        "mailing_groups_database_wait_seconds" &[],
        "Time until a call got a connection to the database.";
    DATABASE_WAITS_FAILED: Kind::Counter, Unit::Count, "mailing_groups_database_waits_failed_total" &["cause"],
        "Calls that got no connection: timeout after --database-wait, or error.";
    REPLICA_READS: Kind::Counter, Unit::Count, "mailing_groups_replica_reads_total" &["outcome"],
        "Reads that may go to --read-database-url: replica if it answered, else why the database did: left_out, busy, behind, ahead or failed.";
    BATCH_ITEMS: Kind::Histogram(ITEMS), Unit::Count, "mailing_groups_batch_items" &["batch"],
        "Calls that ran together as one batch.";
    BATCH_QUEUE: Kind::Gauge, Unit::Count, "mailing_groups_batch_queue_items" &["batch"],
        "Calls that wait for the next batch.";
    WATCH_DELAY: Kind::Histogram(DELAY_SECONDS), Unit::Seconds, "mailing_groups_watch_delay_seconds" &[],
        "Time from a commit to reading it for a watcher; a watcher that resumes also reads old commits.";
    CACHE_BYTES: Kind::Gauge, Unit::Bytes, "mailing_groups_cache_bytes" &["cache"],
        "Memory of cached sets of contacts, and of the ids of contacts.";
    CACHE_LIMIT: Kind::Gauge, Unit::Bytes, "mailing_groups_cache_limit_bytes" &["cache"],
        "The most memory of the cache: --index-memory.";
    CACHE_ENTRIES: Kind::Gauge, Unit::Count, "mailing_groups_cache_entries" &["cache"],
        "Entries of the cache.";
    CACHE_HITS: Kind::Counter, Unit::Count, "mailing_groups_cache_hits_total" &["cache"],
        "Look-ups that found their entry.";
    CACHE_MISSES: Kind::Counter, Unit::Count, "mailing_groups_cache_misses_total" &["cache"],
        "Look-ups that had to load their entry.";
    HISTORY_BOUND: Kind::Gauge, Unit::Seconds, "mailing_groups_history_bound_timestamp_seconds" &[],
        "Changes before this time are deleted, as of the last run that succeeded; 0 before the first.";
    MAINTENANCE_RUNS: Kind::Counter, Unit::Count, "mailing_groups_maintenance_runs_total" &["outcome"],
        "Runs that delete expired rows: ok or failed.";
    CERTIFICATE_EXPIRY: Kind::Gauge, Unit::Seconds, "mailing_groups_certificate_expiry_timestamp_seconds" &[],
        "When the certificate of the gRPC listener expires; 0 without TLS.";
    FILES_IN_USE: Kind::Gauge, Unit::Count, "mailing_groups_files_in_use" &["files"],
        "1 while the files as they are now are in use: TLS certificates, authentication; 0 while a change is refused.";
    LOG_LINES_LEFT_OUT: Kind::Counter, Unit::Count, "mailing_groups_log_lines_left_out_total" &[],
        "Log lines for which another line of the same kind stands.";
    BUILD_INFO: Kind::Gauge, Unit::Count, "mailing_groups_build_info" &["version"],
        "1; the label is the version.";
}
