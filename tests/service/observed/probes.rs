//! `/livez` and `/readyz`.

use mailing_groups::pb;
use nix::sys::signal::Signal;

use super::{Observed, http_address};
use crate::support::{Program, Sql, eventually, get, scratch};

#[tokio::test]
async fn readiness_says_why_not_and_comes_back() {
    let observed = Observed::start(&[]).await;
    assert_eq!(get(observed.http, "/livez").await, (200, "alive\n".into()));
    assert_eq!(get(observed.http, "/readyz").await, (200, "ready\n".into()));
    assert_eq!(observed.series().await["mailing_groups_ready"], 1.0);
    let sql = Sql::connect(&observed.url).await;
    let name = observed.url.rsplit('/').next().unwrap();
    let name = name.split('?').next().unwrap();
    let set = |value: &str| format!("ALTER DATABASE {name} {value}");
    sql.run(&set("SET default_transaction_read_only = on"))
        .await;
    let expected = (503, "not ready: the database is read-only\n".to_owned());
    eventually(async || (get(observed.http, "/readyz").await == expected).then_some(())).await;
    assert_eq!(observed.series().await["mailing_groups_ready"], 0.0);
    assert_eq!(get(observed.http, "/livez").await.0, 200);
    sql.run(&set("RESET default_transaction_read_only")).await;
    eventually(async || (get(observed.http, "/readyz").await.0 == 200).then_some(())).await;
}

#[tokio::test]
async fn a_service_that_waits_for_its_database_is_alive_and_not_ready() {
    let folder = scratch();
    let url = "postgres://nobody@127.0.0.1:1/none";
    let arguments = ["--database-url", url, "--http-listen", "127.0.0.1:0"];
    let program = Program::spawn(folder.path(), &arguments);
    let http = eventually(async || http_address(&program.log())).await;
    assert_eq!(get(http, "/livez").await.0, 200);
    let expected = (503, "not ready: starting\n".to_owned());
    assert_eq!(get(http, "/readyz").await, expected);
}

#[tokio::test]
async fn a_service_that_stops_is_alive_and_not_ready_until_its_end() {
    let mut observed = Observed::start(&["--drain-timeout", "2m"]).await;
    let mut tenant = observed.tenant("t");
    tenant.group("MOVE").await;
    // A call that keeps the service from ending.
    let lock = Sql::lock_contacts(&observed.url).await;
    let mut waiting = tenant.clone();
    let call = tokio::spawn(async move { waiting.get_contact("P").await });
    let open = "mailing_groups_open_calls{grpc_type=\"unary\",\
        grpc_service=\"mailinggroups.v1.Contacts\",grpc_method=\"GetContact\"}";
    eventually(async || (observed.series().await[open] == 1.0).then_some(())).await;
    observed.program.signal(Signal::SIGTERM);
    let expected = (503, "not ready: shutting down\n".to_owned());
    eventually(async || (get(observed.http, "/readyz").await == expected).then_some(())).await;
    assert_eq!(get(observed.http, "/livez").await.0, 200);
    assert_eq!(observed.series().await["mailing_groups_ready"], 0.0);
    drop(lock);
    let _: Result<pb::Contact, _> = call.await.unwrap();
    assert!(observed.program.ended().await.success());
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let observed = Observed::start(&[]).await;
    assert_eq!(get(observed.http, "/").await.0, 404);
    assert_eq!(get(observed.http, "/metrics/x").await.0, 404);
}
