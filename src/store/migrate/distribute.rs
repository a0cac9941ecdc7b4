//! Distributes the tables by tenant over the workers of Citus.

use tokio_postgres::{Client, Error, GenericClient};

use super::MigrateError;

/// Tables that every node has whole. All others are distributed.
const REFERENCE_TABLES: [&str; 2] = ["tenants", "deleted_tenants"];

/// The table with whose shards those of all others stay on the same nodes.
const FIRST: &str = "clocks";

/// Why the tables cannot be distributed.
#[derive(Debug, thiserror::Error)]
pub enum NotDistributable {
    /// It is a plain PostgreSQL.
    #[error("the database has no extension citus; create it there and on all workers")]
    NoCitus,
    /// The URL names the wrong node.
    #[error("this is a worker of Citus; the URL has to name the coordinator")]
    Worker,
    /// There is nowhere to put shards.
    #[error("no node of Citus takes shards; add workers with citus_add_node")]
    NoWorkers,
}

/// Distributes the tables that are not, in one transaction, and returns their names.
pub(super) async fn distribute(client: &mut Client) -> Result<Vec<String>, MigrateError> {
    if let Some(obstacle) = obstacle(client).await.map_err(failed)? {
        return Err(MigrateError::Distribute(obstacle));
    }
    let tables = local_tables(client).await.map_err(failed)?;
    if !tables.is_empty() {
        distribute_tables(client, &tables).await.map_err(failed)?;
    }
    Ok(tables)
}

/// Distributes the tables that a migration has added, if the others are distributed.
pub(super) async fn distribute_new(client: &mut Client) -> Result<(), MigrateError> {
    if !has_citus(client).await.map_err(failed)? {
        return Ok(());
    }
    let tables = local_tables(client).await.map_err(failed)?;
    if !tables.is_empty() && !tables.iter().any(|it| it == FIRST) {
        distribute_tables(client, &tables).await.map_err(failed)?;
    }
    Ok(())
}

fn failed(error: Error) -> MigrateError {
    MigrateError::Distribution(error)
}

async fn has_citus(client: &Client) -> Result<bool, Error> {
    let text = "SELECT to_regclass('pg_catalog.pg_dist_node') IS NOT NULL";
    Ok(client.query_one(text, &[]).await?.get(0))
}

async fn obstacle(client: &Client) -> Result<Option<NotDistributable>, Error> {
    if !has_citus(client).await? {
        return Ok(Some(NotDistributable::NoCitus));
    }
    // The coordinator is in group 0.
    let text = "SELECT (SELECT groupid <> 0 FROM pg_dist_local_group), EXISTS ( \
        SELECT FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary')";
    let row = client.query_one(text, &[]).await?;
    Ok(match (row.get(0), row.get(1)) {
        (true, _) => Some(NotDistributable::Worker),
        (false, false) => Some(NotDistributable::NoWorkers),
        (false, true) => None,
    })
}

/// The tables with data of tenants that are not distributed, those first to which the others refer.
async fn local_tables(client: &Client) -> Result<Vec<String>, Error> {
    let text = "SELECT c.relname::text FROM pg_class c \
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' \
        WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND NOT EXISTS ( \
            SELECT FROM pg_dist_partition p \
            WHERE p.logicalrelid = c.oid AND (p.partmethod = 'h' OR p.repmodel = 't')) \
        ORDER BY c.relname <> ALL ($1), c.relname <> $2, c.relname";
    let rows = client
        .query(text, &[&&REFERENCE_TABLES[..], &FIRST])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// A foreign key makes tables depend on each other, so those of the tables are taken away and added again.
async fn distribute_tables(client: &mut Client, tables: &[String]) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    // Foreign keys to reference tables need it.
    transaction
        .batch_execute(
            "SET LOCAL citus.multi_shard_modify_mode = 'sequential'; \
             SET LOCAL client_min_messages = 'warning'",
        )
        .await?;
    let keys = "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) \
        FROM pg_constraint WHERE contype = 'f' AND ( \
            conrelid = ANY ($1::text[]::regclass[]) OR confrelid = ANY ($1::text[]::regclass[]))";
    let keys = transaction.query(keys, &[&tables]).await?;
    // One statement at a time: Citus sends the whole text of a command to the workers.
    let mut additions = Vec::new();
    for key in &keys {
        let (table, name, definition): (&str, &str, &str) = (key.get(0), key.get(1), key.get(2));
        let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {name}");
        transaction.batch_execute(&drop).await?;
        additions.push(format!(
            "ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
        ));
    }
    for table in tables {
        place(&transaction, table).await?;
    }
    for addition in &additions {
        transaction.batch_execute(addition).await?;
    }
    transaction.commit().await
}

async fn place(client: &impl GenericClient, table: &str) -> Result<(), Error> {
    let text = if REFERENCE_TABLES.contains(&table) {
        "SELECT create_reference_table($1::text::regclass)"
    } else if table == FIRST {
        "SELECT create_distributed_table($1::text::regclass, 'tenant_id', colocate_with => 'none')"
    } else {
        "SELECT create_distributed_table($1::text::regclass, 'tenant_id', colocate_with => 'clocks')"
    };
    client.execute(text, &[&table]).await?;
    Ok(())
}
