//! The same calls on Citus, if there is a cluster: each of their statements is sent to one shard as it is.

use std::collections::{BTreeSet, HashSet};

use mailing_groups::{server::Limits, store};
use tokio_postgres::{Client as Postgres, types::Type};

use super::{
    Caller, SMALL,
    relay::Relay,
    shards::{is_excused, names_distributed_tables},
    steps::{once, steps},
};
use crate::{
    contract::message_types,
    support::{
        PATIENCE, Pool, Server, Sql, citus_database, migrate, postgres::connect, runtime, within,
    },
    wire::raw::Client,
};

/// A value of this type, as a literal.
fn literal(kind: &Type) -> String {
    match *kind {
        Type::BOOL => "true".to_owned(),
        Type::TEXT => "'x'".to_owned(),
        Type::TIMESTAMPTZ => "now()".to_owned(),
        Type::BYTEA => r"'\x01'".to_owned(),
        Type::JSONB => "'{}'".to_owned(),
        Type::JSONB_ARRAY => r#"'{"{}"}'"#.to_owned(),
        Type::TEXT_ARRAY => "'{x}'".to_owned(),
        Type::BOOL_ARRAY => "'{true}'".to_owned(),
        Type::INT2_ARRAY | Type::INT4_ARRAY | Type::INT8_ARRAY => "'{1}'".to_owned(),
        _ => "1".to_owned(),
    }
}

/// Why Citus would not send a statement to one shard.
async fn fault(client: &Postgres, text: &str, types: &[u32]) -> Option<String> {
    let types: Vec<_> = types
        .iter()
        .map(|oid| Type::from_oid(*oid).unwrap())
        .collect();
    let names = types.iter().map(|it| match it.name().strip_prefix('_') {
        Some(element) => format!("{element}[]"),
        None => it.name().to_owned(),
    });
    let (names, values): (Vec<_>, Vec<_>) = names.zip(types.iter().map(literal)).unzip();
    let list = |parts: Vec<String>| match parts.is_empty() {
        true => String::new(),
        false => format!("({})", parts.join(", ")),
    };
    let prepare = format!("PREPARE tried {} AS {text}", list(names));
    let explain = format!("EXPLAIN EXECUTE tried {}", list(values));
    if let Err(error) = client.batch_execute(&prepare).await {
        return Some(format!("{error:?}"));
    }
    let plan = client.query(&explain, &[]).await;
    client.batch_execute("DEALLOCATE tried").await.unwrap();
    let plan: Vec<String> = match plan {
        Ok(rows) => rows.iter().map(|row| row.get(0)).collect(),
        Err(error) => return Some(format!("{error:?}")),
    };
    let plan = plan.join("\n");
    let is_routed = plan.matches("Task Count: 1\n").count() == plan.matches("Task Count: ").count()
        && plan.contains("Task Count: ")
        && !plan.contains("Distributed Subplan")
        && !plan.contains("INSERT/SELECT method");
    (!is_routed).then_some(plan)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Citus: make test-citus"]
async fn every_statement_is_sent_to_one_shard() {
    let url = citus_database("statements").await;
    migrate(&url).await;
    let sql = Sql::connect(&url).await;
    for tenant in [400, 500] {
        sql.run(&SMALL.fill(tenant, tenant)).await;
    }
    let distribute = || {
        let url = url.clone();
        runtime().spawn(async move { store::distribute(&url, PATIENCE).await })
    };
    assert_eq!(distribute().await.unwrap().unwrap().len(), 18);
    assert_eq!(distribute().await.unwrap().unwrap().len(), 0);
    let relay = Relay::before(&url).await;
    let server = Server::via(&relay.url, &url, Pool::default(), Limits::default()).await;
    let (types, mut seen, mut faults) = (message_types(), HashSet::new(), Vec::new());
    let mut caller = Caller {
        client: within(Client::connect(server.address)).await.unwrap(),
        types: &types,
        relay: &relay,
        seen: &mut seen,
        faults: &mut faults,
    };
    for step in steps().into_iter().chain(once()) {
        caller.call("t-500", SMALL, &step).await;
    }
    server.shutdown.cancel();
    let client = connect(&url).await.unwrap();
    let statements: BTreeSet<_> = relay.statements();
    assert!(statements.len() > 50, "{statements:#?}");
    for (text, types) in statements {
        if names_distributed_tables(&text)
            && !is_excused(&text)
            && let Some(fault) = fault(&client, &text, &types).await
        {
            faults.push(format!("{text}\n{fault}"));
        }
    }
    for fault in &faults {
        eprintln!("{fault}\n");
    }
    assert!(faults.is_empty(), "{} statements", faults.len());
}
