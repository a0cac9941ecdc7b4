//! The start of the program: concurrently with another, before its database, on a foreign server.

use mailing_groups::postgres::Cluster;
use tonic::transport::Endpoint;

use crate::support::{
    Network, Program, Proxy, Sql, Tenant, company, database, durable_cluster, eventually, refused,
    scratch,
};

/// The program's tenant `t`, once the program serves.
async fn tenant(program: &mut Program) -> Tenant {
    let address = program.address().await;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    Tenant::over(endpoint.connect().await.unwrap(), "t")
}

#[tokio::test]
async fn two_services_can_start_concurrently_on_an_empty_database() {
    let folder = scratch();
    let url = database().await;
    let mut programs = [(); 2].map(|()| Program::spawn(folder.path(), &["--database-url", &url]));
    let [one, other] = &mut programs;
    let (mut one, mut other) = tokio::join!(tenant(one), tenant(other));
    one.group("MOVE").await;
    other.create(company("A")).await;
    one.assign("A", "MOVE").await;
    assert_eq!(other.members("MOVE").await, ["A"]);
}

#[tokio::test]
async fn a_service_with_explicit_tenants_refuses_unknown_ones() {
    let folder = scratch();
    let url = database().await;
    let arguments = ["--database-url", &url, "--tenants", "explicit"];
    let mut program = Program::spawn(folder.path(), &arguments);
    let mut tenant = tenant(&mut program).await;
    let refusal = refused(tenant.try_create(company("A")).await);
    assert_eq!(refusal.1, "TENANT_NOT_FOUND");
}

#[tokio::test]
async fn a_service_waits_for_its_database_at_start() {
    let folder = scratch();
    let proxy = Proxy::before(&database().await).await;
    proxy.set(Network::Refusing);
    let mut program = Program::spawn(folder.path(), &["--database-url", proxy.url()]);
    eventually(async || program.log().contains("trying again").then_some(())).await;
    proxy.set(Network::Up);
    tenant(&mut program).await.group("MOVE").await;
}

#[tokio::test]
async fn a_tcp_database_is_used_and_its_password_kept_secret() {
    let folder = scratch();
    let cluster = durable_cluster(folder.path()).await;
    add_caller(&cluster).await;
    let proxy = Proxy::before(cluster.url()).await;
    let right = with_credentials(proxy.url(), "caller:s3cr3t-W0rd");
    let mut program = Program::spawn(folder.path(), &["--database-url", &right, "--log", "debug"]);
    let mut caller = tenant(&mut program).await;
    caller.group("MOVE").await;
    proxy.set(Network::Refusing);
    caller.get_group("MOVE").await.unwrap_err();
    keeps_secrets(&program);

    proxy.set(Network::Up);
    for wrong in ["caller:wr0ng-s3cr3t-W0rd", "nobody:s3cr3t-W0rd"] {
        let url = with_credentials(proxy.url(), wrong);
        let arguments = ["--database-url", &url, "--log", "debug"];
        let mut program = Program::spawn(folder.path(), &arguments);
        assert!(!program.ended().await.success());
        let log = program.log();
        for part in [
            "database mailing_groups on",
            "(from --database-url) refuses the connection",
            "password authentication failed",
            "postgres://user:password@host:5432/database",
        ] {
            assert!(log.contains(part), "{log}");
        }
        keeps_secrets(&program);
    }
    let mut program = Program::spawn(
        folder.path(),
        &["--database-url", "postgres://caller:s3cr3t-W0rd@h:port/x"],
    );
    assert!(!program.ended().await.success());
    keeps_secrets(&program);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_missing_database_fails_the_start() {
    let folder = scratch();
    let missing = format!("{}_missing", database().await);
    let mut program = Program::spawn(folder.path(), &["--database-url", &missing]);
    assert!(!program.ended().await.success());
    let log = program.log();
    assert!(log.contains("refuses the connection"), "{log}");
    assert!(log.contains("does not exist"), "{log}");
}

#[tokio::test]
async fn a_start_without_tables_names_the_command_to_run() {
    let folder = scratch();
    let url = database().await;
    let arguments = ["--no-migrate", "--database-url", &url];
    let mut program = Program::spawn(folder.path(), &arguments);
    assert!(!program.ended().await.success());
    let log = program.log();
    assert!(log.contains("the tables are missing"), "{log}");
    assert!(log.contains("mailing-groups migrate"), "{log}");
}

const PASSWORD: &str = "s3cr3t-W0rd";

/// Adds the user `caller`, who owns the database and has to give a password.
async fn add_caller(cluster: &Cluster) {
    let rules = cluster.data_dir().join("postgres/pg_hba.conf");
    let rest = std::fs::read_to_string(&rules).unwrap();
    let demand = "local all caller,nobody scram-sha-256";
    std::fs::write(&rules, format!("{demand}\n{rest}")).unwrap();
    let sql = Sql::connect(cluster.url()).await;
    let loaded = "SELECT (extract(epoch FROM pg_conf_load_time()) * 1e6)::bigint";
    let before = sql.number(loaded, &[]).await;
    sql.run(&format!(
        "CREATE ROLE caller LOGIN PASSWORD '{PASSWORD}'; \
         ALTER DATABASE mailing_groups OWNER TO caller; SELECT pg_reload_conf()"
    ))
    .await;
    // New connections follow the rules once the server has read them.
    eventually(async || {
        let new = Sql::connect(cluster.url()).await;
        (new.number(loaded, &[]).await > before).then_some(())
    })
    .await;
}

fn with_credentials(url: &str, credentials: &str) -> String {
    let (_, rest) = url.split_once('@').unwrap();
    format!("postgres://{credentials}@{rest}")
}

fn keeps_secrets(program: &Program) {
    let log = program.log();
    assert!(!log.is_empty());
    assert!(!log.contains(PASSWORD), "{log}");
}
