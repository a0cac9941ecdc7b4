//! Settings of a role or a database that change what statements do.

use mailing_groups::server::Limits;
use tokio::task::JoinSet;

use super::parts;
use crate::support::{Server, Sql, Tenant, company, database, person};

/// Concurrent callers, and the writes of each.
const CALLERS: usize = 8;
const WRITES: usize = 10;

#[tokio::test]
async fn stricter_defaults_of_transactions_change_nothing() {
    for isolation in ["repeatable read", "serializable"] {
        let url = database().await;
        let (name, _) = parts(&url);
        let sql = Sql::connect(&url).await;
        sql.run(&format!(
            "ALTER DATABASE {name} SET default_transaction_isolation = '{isolation}'; \
             ALTER DATABASE {name} SET default_transaction_deferrable = on; \
             ALTER DATABASE {name} SET standard_conforming_strings = off"
        ))
        .await;
        let server = Server::on(&url, Limits::default()).await;
        let mut tenant = Tenant::of(&server, "t").await;
        tenant.group("MOVE").await;
        tenant.create(company("A")).await;
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let mut tenant = tenant.clone();
            callers.spawn(async move {
                for n in 0..WRITES {
                    let id = format!("P{caller}-{n}");
                    tenant.create(person(&id, "A")).await;
                    tenant.assign(&id, "MOVE").await;
                }
            });
        }
        callers.join_all().await;
        assert_eq!(tenant.members("MOVE").await.len(), CALLERS * WRITES);
    }
}
