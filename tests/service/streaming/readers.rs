//! Slow, disconnected and concurrent readers.

use mailing_groups::pb::{BatchUnassignMailingGroupsRequest, DeleteContactRequest};

use super::{crowd, full, page};
use crate::support::{Server, Sql, Streamed, Tenant, assignment, within};

/// Enough members to fill every buffer between the database and a reader several times.
const CROWD: usize = 5_000;

struct Scene {
    server: Server,
    tenant: Tenant,
    sql: Sql,
    ids: Vec<String>,
}

/// A dedicated server with many members, and a client with small flow-control windows.
async fn scene() -> Scene {
    let server = Server::start().await;
    let mut tenant = Tenant::over(server.narrow_channel().await, "slow");
    let ids = crowd(&mut tenant, CROWD).await;
    let sql = Sql::connect(&server.database_url).await;
    Scene {
        server,
        tenant,
        sql,
        ids,
    }
}

#[tokio::test]
async fn slow_readers_hold_no_connection_and_read_one_revision() {
    let Scene {
        server,
        mut tenant,
        sql,
        ids,
    } = scene().await;
    // Twice as many as there are connections.
    let mut streams = Vec::new();
    for _ in 0..16 {
        let mut reader = Tenant::over(server.narrow_channel().await, "slow");
        let mut stream = reader.open(full(50)).await.unwrap();
        page(&mut stream).await;
        streams.push(stream);
    }
    sql.until_quiet().await;
    // A call that finds no free connection fails.
    within(tenant.get_contact("P00000")).await.unwrap();

    // All members leave the group, and one contact is deleted.
    let assignments = ids.iter().map(|id| assignment(id, "MOVE")).collect();
    let leave = BatchUnassignMailingGroupsRequest {
        assignments,
        ..Default::default()
    };
    tenant
        .groups
        .batch_unassign_mailing_groups(leave)
        .await
        .unwrap();
    let (deleted, rest) = ids.split_last().unwrap();
    let delete = DeleteContactRequest {
        id: deleted.clone(),
        ..Default::default()
    };
    tenant.contacts.delete_contact(delete).await.unwrap();
    assert_eq!(tenant.members("MOVE").await.len(), 0);

    let streamed = Streamed::read(&mut streams[0]).await.unwrap();
    assert_eq!(streamed.ids(), rest[50..]);
    assert_eq!(streamed.summary.member_count, i64::try_from(CROWD).unwrap());
    assert_eq!(
        streamed.summary.sent_count,
        i64::try_from(CROWD - 1).unwrap()
    );
    assert_eq!(streamed.summary.deleted_count, 1);
    assert!(!streamed.summary.revision_moved);
}

#[tokio::test]
async fn a_disconnected_reader_stops_the_query() {
    let Scene {
        server,
        mut tenant,
        sql,
        ..
    } = scene().await;
    let mut stream = tenant.open(full(50)).await.unwrap();
    page(&mut stream).await;
    sql.until_quiet().await;
    let blocker = Sql::lock_contacts(&server.database_url).await;
    let reading = async {
        loop {
            page(&mut stream).await;
        }
    };
    tokio::select! {
        () = reading => {}
        () = sql.until_any_waits() => {}
    }
    drop(stream);
    // The lock is still held.
    sql.until_waiting(0).await;
    drop(blocker);
}
