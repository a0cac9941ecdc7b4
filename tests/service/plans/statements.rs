//! What every statement of normal work reads, as PostgreSQL counts it, where the statistics say nothing
//! of the tenant, something else, or the truth; and that it is about one tenant.
//!
//! A database has a thousand small tenants and a large one, and one as large that is newer than its
//! statistics. Calls of every RPC are made in a small tenant and in both large ones. `PLAN_CONTACTS` is the
//! number of contacts of a large one.

mod citus;
mod growth;
mod relay;
mod request;
mod shards;
mod steps;

use std::{collections::HashSet, env};

use mailing_groups::server::Limits;
use serde_json::Value;

use self::{
    relay::{EXPLAIN, Relay},
    request::{Types, encoded},
    shards::fault,
    steps::{Reads, Step, once, steps},
};
use crate::{
    contract::{message_types, methods},
    support::{Pool, Server, Sql, database, migrate, within},
    wire::raw::{Client, framed},
};

const FILL: &str = include_str!("statements/fill.sql");

/// The sizes of a tenant: contacts, groups, segments, and rows of other tables.
#[derive(Clone, Copy)]
struct Size([i64; 4]);

const SMALL: Size = Size([100, 10, 3, 10]);

impl Size {
    fn large() -> Self {
        let contacts = env::var("PLAN_CONTACTS").ok();
        let contacts = contacts.map_or(50_000, |it| it.parse().unwrap());
        Self([contacts, 5_000, 1_000, contacts / 2])
    }

    /// Statements that fill tenants, from the first to the last.
    fn fill(self, first: i32, last: i32) -> String {
        let Self([contacts, groups, segments, rows]) = self;
        FILL.replace("@first", &first.to_string())
            .replace("@last", &last.to_string())
            .replace("@contacts", &contacts.to_string())
            .replace("@groups", &groups.to_string())
            .replace("@segments", &segments.to_string())
            .replace("@rows", &rows.to_string())
    }

    /// How many rows a statement may touch, in all nodes of its plan.
    fn most(self, reads: Reads) -> f64 {
        let Self([contacts, groups, segments, _]) = self;
        let most = match reads {
            Reads::Few => 1_000,
            Reads::Search => 40_000,
            Reads::Log => 120_000,
            Reads::Groups => 1_000 + 6 * groups,
            Reads::Segments => 1_000 + 4 * segments,
            Reads::Merged => 1_000 + 4 * contacts / 100,
            Reads::Everyone => 1_000 + 5 * contacts,
        };
        most as f64
    }
}

/// Fills a database with the tenants `t-1` to `t-1000`, which are small, `t-1001`, and `t-1002` after the
/// statistics were made.
async fn fill(sql: &Sql, large: Size) {
    let tables = "SELECT relname::text FROM pg_class \
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let tables = sql.rows(tables, &[]).await;
    let tables = tables.iter().map(|row| row.get::<_, String>(0));
    let keep = tables.map(|it| format!("ALTER TABLE {it} SET (autovacuum_enabled = false);"));
    let fills = [
        keep.collect(),
        "SET session_replication_role = replica; DROP INDEX contacts_search_name_idx;".to_owned(),
        SMALL.fill(1, 1_000),
        large.fill(1_001, 1_001),
        "ANALYZE;".to_owned(),
        large.fill(1_002, 1_002),
        "CREATE INDEX contacts_search_name_idx ON contacts \
            USING gin (tenant_id, search_name gin_trgm_ops);"
            .to_owned(),
    ];
    for fill in fills {
        sql.run(&fill).await;
    }
}

struct Caller<'a> {
    client: Client,
    types: &'a Types,
    relay: &'a Relay,
    seen: &'a mut HashSet<String>,
    faults: &'a mut Vec<String>,
}

impl Caller<'_> {
    /// Makes a call and examines its plans.
    async fn call(&mut self, tenant: &str, size: Size, (method, messages, reads): &Step) {
        let path = format!("/mailinggroups.v1.{method}");
        let method_type = methods().into_iter().find(|(it, _)| *it == path);
        let (_, method_type) = method_type.unwrap_or_else(|| panic!("no {path}"));
        let mut call = within(self.client.open(&path, &[("x-tenant", tenant)]))
            .await
            .unwrap();
        let messages = match messages {
            Value::Array(messages) => messages.as_slice(),
            message => std::slice::from_ref(message),
        };
        for (at, message) in messages.iter().enumerate() {
            let message = encoded(self.types, method_type.input_type(), message);
            let is_last = at == messages.len() - 1;
            call.requests.send_data(framed(&message), is_last).unwrap();
        }
        if method.ends_with("/WatchChanges") {
            // It has no end.
            let mut answers = within(call.headers()).await.unwrap().into_body();
            within(answers.data()).await.unwrap().unwrap();
        } else {
            let answer = within(call.answer()).await.unwrap();
            if answer.status.code() != tonic::Code::Ok {
                self.faults
                    .push(format!("{path} {messages:?} {:?}", answer.status));
            }
        }
        self.seen.insert(path);
        for plan in self.relay.take_plans().await {
            let touched = touched(&plan["Plan"]);
            let text = plan["Query Text"].as_str().unwrap();
            if touched > size.most(*reads) {
                self.faults
                    .push(format!("{tenant} {method} {messages:?} {touched} {text}"));
            }
            if let Some(fault) = fault(text) {
                self.faults.push(format!("{method} {fault}: {text}"));
            }
        }
    }
}

/// The rows that the nodes of a plan have returned or passed over.
fn touched(node: &Value) -> f64 {
    let number = |key: &str| node[key].as_f64().unwrap_or_default();
    let rows = number("Actual Rows")
        + number("Rows Removed by Filter")
        + number("Rows Removed by Join Filter")
        + number("Rows Removed by Index Recheck");
    let below = node["Plans"].as_array().into_iter().flatten();
    rows * number("Actual Loops") + number("Heap Fetches") + below.map(touched).sum::<f64>()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_reads_what_its_call_is_about() {
    let url = database().await;
    migrate(&url).await;
    let sql = Sql::connect(&url).await;
    let large = Size::large();
    fill(&sql, large).await;
    let name = url.rsplit('/').next().unwrap();
    sql.run(&EXPLAIN.replace('@', name)).await;
    let (types, mut seen, mut faults) = (message_types(), HashSet::new(), Vec::new());
    for (tenant, size) in [("t-500", SMALL), ("t-1001", large), ("t-1002", large)] {
        let relay = Relay::before(&url).await;
        let server = Server::via(&relay.url, &url, Pool::default(), Limits::default()).await;
        let mut caller = Caller {
            client: within(Client::connect(server.address)).await.unwrap(),
            types: &types,
            relay: &relay,
            seen: &mut seen,
            faults: &mut faults,
        };
        for step in steps() {
            caller.call(tenant, size, &step).await;
        }
        if size.0 == SMALL.0 {
            for step in once() {
                caller.call(tenant, size, &step).await;
            }
        }
        server.shutdown.cancel();
    }
    assert!(faults.is_empty(), "{faults:#?}");
    let unseen: Vec<_> = methods().into_iter().map(|(path, _)| path).collect();
    let unseen: Vec<_> = unseen.iter().filter(|it| !seen.contains(*it)).collect();
    assert!(unseen.is_empty(), "steps do not call {unseen:?}");
}
