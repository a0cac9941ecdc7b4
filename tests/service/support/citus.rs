//! A cluster of Citus: `CITUS_URL` names a database of its coordinator, which knows the workers.

use std::env;

use super::postgres::connect;

/// A new database on all nodes of the cluster, with the extension and the workers; its URL.
pub(crate) async fn citus_database(name: &str) -> String {
    let url = env::var("CITUS_URL").expect("the URL of a coordinator in CITUS_URL");
    let first = connect(&url).await.unwrap();
    let nodes = "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0";
    let nodes = first.query(nodes, &[]).await.unwrap();
    let config: tokio_postgres::Config = url.parse().unwrap();
    let user = config.get_user().unwrap().to_owned();
    let tokio_postgres::config::Host::Tcp(host) = &config.get_hosts()[0] else {
        panic!("CITUS_URL names no host");
    };
    let coordinator = (host.clone(), i32::from(config.get_ports()[0]));
    let workers = nodes.iter().map(|row| (row.get(0), row.get(1)));
    let workers: Vec<(String, i32)> = workers.collect();
    for (host, port) in std::iter::once(&coordinator).chain(&workers) {
        let server = format!("postgres://{user}@{host}:{port}");
        let admin = connect(&format!("{server}/postgres")).await.unwrap();
        // One statement each: databases are not made in transactions.
        for text in [
            "DROP DATABASE IF EXISTS @ WITH (FORCE)",
            "CREATE DATABASE @",
        ] {
            admin.batch_execute(&text.replace('@', name)).await.unwrap();
        }
        let inside = connect(&format!("{server}/{name}")).await.unwrap();
        inside
            .batch_execute("CREATE EXTENSION citus")
            .await
            .unwrap();
    }
    let (host, port) = &coordinator;
    let url = format!("postgres://{user}@{host}:{port}/{name}");
    let inside = connect(&url).await.unwrap();
    let text = "SELECT citus_set_coordinator_host($1, $2)";
    inside.execute(text, &[host, port]).await.unwrap();
    for (host, port) in &workers {
        let text = "SELECT citus_add_node($1, $2)";
        inside.execute(text, &[host, port]).await.unwrap();
    }
    url
}
