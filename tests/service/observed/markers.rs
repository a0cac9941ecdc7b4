//! Nothing of a request is seen from outside but the names of calls and tenants: every text of every
//! request has a marker, and so have the credentials; logs, metrics and traces must not.

use nix::sys::signal::Signal;
use tonic::{Code, Status};

use super::{Observed, traces::Collector};
use crate::{
    contract::{
        hostile::{Maker, call_with},
        methods,
    },
    support::{Sql, Tenant, company, get, person, within},
    wire::raw::Client,
};

/// In every text, in the spellings that the service gives them.
const MARKERS: [&str; 2] = ["planted7531", "PLANTED7531"];

const TEXTS: [&str; 9] = [
    "PLANTED7531",
    "planted7531-c",
    "planted7531-p",
    "PLANTED7531-NEW",
    "planted7531@secret.example",
    "email = planted7531@secret.example",
    "PLANTED7531 AND NOT planted7531",
    "code AND (planted7531",
    "planted7531 \u{e9}",
];

const CREDENTIALS: [(&str, &str); 4] = [
    ("authorization", "Bearer planted7531.token.signature"),
    ("x-api-key", "planted7531key"),
    ("cookie", "session=planted7531"),
    ("user-agent", "planted7531/1.0"),
];

/// Words of SQL.
const SQL: [&str; 4] = ["SELECT \"", "INSERT INTO", " WHERE ", "= $1"];

async fn fill(tenant: &mut Tenant) {
    tenant.group("PLANTED7531").await;
    tenant.create(company("planted7531-c")).await;
    tenant
        .create(person("planted7531-p", "planted7531-c"))
        .await;
    tenant.assign("planted7531-p", "PLANTED7531").await;
}

/// Sends requests to every RPC; returns how many succeeded. The service's own faults say nothing of the
/// request, not even to the caller.
async fn send(client: &Client, maker: &mut Maker, rounds: usize) -> usize {
    let mut succeeded = 0;
    for _ in 0..rounds {
        for (path, method) in methods() {
            let message = maker.message(method.input_type());
            let streams = method.server_streaming();
            let status = call_with(client, &path, &message, streams, &CREDENTIALS).await;
            match status.code() {
                Code::Ok => succeeded += 1,
                Code::Internal | Code::Unknown | Code::Unavailable => is_clean_status(&status),
                _ => {}
            }
        }
    }
    succeeded
}

fn is_clean_status(status: &Status) {
    let details = String::from_utf8_lossy(status.details());
    is_clean("an error", &format!("{} {details}", status.message()));
}

fn is_clean(what: &str, text: &str) {
    for marker in MARKERS.iter().chain(&SQL) {
        let line = text.lines().find(|line| line.contains(marker));
        let shown = line.map(|line| &line[..line.len().min(2_000)]);
        assert_eq!(shown, None, "{marker} in {what}");
    }
}

#[tokio::test]
async fn logs_metrics_and_traces_hold_nothing_of_requests() {
    let (collector, endpoint) = Collector::start().await;
    let arguments = [
        "--log",
        "debug",
        "--access-log",
        "--metrics-tenants",
        "100",
        "--call-timeout",
        "5s",
    ];
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100000"),
    ];
    let mut observed = Observed::start_with(&arguments, &variables).await;
    fill(&mut observed.tenant("fuzz")).await;
    let client = within(Client::connect(observed.address)).await.unwrap();
    let mut maker = Maker::with_texts(7_531, &TEXTS);
    let succeeded = send(&client, &mut maker, 6).await;
    assert!(succeeded > 20, "only {succeeded} calls succeeded");

    // Faults of the database: rows that it refuses, connections that it closes, tables that are gone.
    let sql = Sql::connect(&observed.url).await;
    sql.run(
        "ALTER TABLE contacts ADD CONSTRAINT none CHECK (id < 'a') NOT VALID; \
         ALTER TABLE mailing_groups ADD CONSTRAINT none CHECK (code < 'A') NOT VALID",
    )
    .await;
    send(&client, &mut maker, 2).await;
    let closed = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sql.run(closed).await;
    send(&client, &mut maker, 1).await;
    sql.run("ALTER TABLE contacts RENAME TO hidden").await;
    send(&client, &mut maker, 2).await;

    let (_, metrics) = get(observed.http, "/metrics").await;
    is_clean("the metrics", &metrics);
    observed.program.signal(Signal::SIGTERM);
    within(observed.program.ended()).await;
    let log = observed.program.log();
    assert!(log.contains("call: INTERNAL") && log.contains("call: OK"));
    assert!(log.contains("call ended: NOT_FOUND") && log.contains("tenant=\"fuzz\""));
    is_clean("the log", &log);
    assert!(collector.spans().len() > 100);
    is_clean("the traces", &collector.text());
}
