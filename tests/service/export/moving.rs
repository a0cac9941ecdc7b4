//! Slowly read exports of data that changes.

use std::collections::BTreeSet;

use mailing_groups::pb;
use tonic::Streaming;

use super::{Exported, copy::Copying, page, request};
use crate::support::{Server, Sql, Tenant, company, person, within};

/// Contacts of either kind: enough to fill every buffer between the database and a reader
/// several times.
const EACH: usize = 2_500;

struct Scene {
    server: Server,
    tenant: Tenant,
    sql: Sql,
}

/// A dedicated server with companies `C0000`… and persons `P0000`…, which all have the group
/// MOVE, and a client with small flow-control windows.
async fn scene() -> Scene {
    let server = Server::start().await;
    let mut tenant = Tenant::over(server.narrow_channel().await, "slow");
    tenant.group("MOVE").await;
    let long = |contact: pb::Contact| pb::Contact {
        name: "x".repeat(100),
        email: format!("{}@example.org", "y".repeat(200)),
        ..contact
    };
    let companies = (0..EACH).map(|n| long(company(&format!("C{n:04}"))));
    let persons = (0..EACH).map(|n| long(person(&format!("P{n:04}"), "")));
    let contacts: Vec<_> = companies.chain(persons).collect();
    tenant.import_contacts(&contacts).await;
    let pairs: Vec<_> = contacts
        .iter()
        .map(|it| (it.id.clone(), "MOVE".to_owned()))
        .collect();
    tenant.import_memberships(&pairs).await;
    let sql = Sql::connect(&server.database_url).await;
    Scene {
        server,
        tenant,
        sql,
    }
}

/// Opens an export, reads its first page, and waits until the service is idle.
async fn begun(scene: &mut Scene) -> (Exported, Streaming<pb::ExportContactsResponse>) {
    let mut stream = scene.tenant.open_export(request(50, "")).await.unwrap();
    let first = page(&mut stream).await;
    scene.sql.until_quiet().await;
    let exported = Exported {
        groups: vec![vec![crate::support::new_group("MOVE", "")]],
        pages: vec![first],
        ..Default::default()
    };
    (exported, stream)
}

async fn rest(mut begun: Exported, mut stream: Streaming<pb::ExportContactsResponse>) -> Exported {
    let rest = Exported::read(&mut stream).await.unwrap();
    begun.pages.extend(rest.pages);
    begun.summary = rest.summary;
    begun
}

#[tokio::test]
async fn memberships_are_exported_at_one_revision() {
    let mut scene = scene().await;
    let (begun, stream) = begun(&mut scene).await;
    let mut writer = Tenant::of(&scene.server, "slow").await;
    writer.group("LATE").await;
    writer.create(company("LATE")).await;
    for id in ["C2400", "P2400", "LATE"] {
        writer.assign(id, "LATE").await;
    }
    for id in ["C2401", "P2401"] {
        writer.unassign(id, "MOVE").await.unwrap();
    }
    writer.rename("MOVE", "GO", "").await.unwrap();
    let exported = rest(begun, stream).await;
    let ids: BTreeSet<_> = exported.ids().into_iter().collect();
    assert_eq!(ids.len(), 2 * EACH);
    assert!(!ids.contains("LATE"));
    let wanted: Vec<_> = ids.into_iter().map(|id| (id, "MOVE".to_owned())).collect();
    assert_eq!(exported.pairs(), wanted);
    let summary = exported.summary;
    assert_eq!((summary.deleted_count, summary.revision_moved), (0, false));
    assert!(summary.revision < writer.group("LAST").await.revision - 6);
}

#[tokio::test]
async fn contacts_deleted_during_an_export_are_left_out_and_counted() {
    let mut scene = scene().await;
    let (begun, stream) = begun(&mut scene).await;
    let mut writer = Tenant::of(&scene.server, "slow").await;
    let deleted = ["C2400", "P0000", "P2400"];
    for id in deleted {
        writer.delete_contact(id, "", true).await.unwrap();
    }
    let exported = rest(begun, stream).await;
    let named = |id: &String| deleted.contains(&&id[..]);
    assert!(!exported.ids().iter().any(named));
    assert!(!exported.pairs().iter().any(|(id, _)| named(id)));
    let count = i64::try_from(2 * EACH - 3).unwrap();
    assert_eq!(exported.counts(), (count, count, 1));
    assert_eq!(exported.counted(), exported.counts());
    assert_eq!(exported.summary.deleted_count, 3);
}

#[tokio::test]
async fn people_of_companies_that_are_new_during_an_export_can_be_imported() {
    let mut scene = scene().await;
    let (begun, stream) = begun(&mut scene).await;
    let mut writer = Tenant::of(&scene.server, "slow").await;
    // Persons that move to a new company and to a person that became a company; and a company that
    // became a person of a company that is not exported yet.
    writer.create(company("NEW")).await;
    for contact in [
        person("P2400", "NEW"),
        person("P2401", "NEW"),
        company("P2499"),
        person("P2402", "P2499"),
        person("C2400", "C2498"),
    ] {
        writer.put_contact(contact).await.unwrap();
    }
    let exported = rest(begun, stream).await;
    let ids: BTreeSet<_> = exported.ids().into_iter().collect();
    assert_eq!(
        (ids.len(), exported.ids().len()),
        (2 * EACH + 1, 2 * EACH + 1)
    );
    assert!(exported.pairs().contains(&("P2499".into(), "MOVE".into())));
    let mut copy = Tenant::of(&scene.server, "copy").await;
    let mut copying = Copying::into(&mut copy, &exported).await;
    for page in &exported.pages {
        copying.page(page).await;
    }
    for (id, company) in [
        ("P2400", "NEW"),
        ("P2401", "NEW"),
        ("P2402", "P2499"),
        ("C2400", "C2498"),
    ] {
        assert_eq!(copy.get_contact(id).await.unwrap().company_id, company);
    }
    assert_eq!(copy.codes("P2499").await, ["MOVE"]);
}

#[tokio::test]
async fn slow_readers_hold_no_connection() {
    let Scene {
        server,
        mut tenant,
        sql,
    } = scene().await;
    let mut streams = Vec::new();
    // Twice as many as there are connections.
    for _ in 0..16 {
        let mut reader = Tenant::over(server.narrow_channel().await, "slow");
        let mut stream = reader.open_export(request(50, "")).await.unwrap();
        page(&mut stream).await;
        streams.push(stream);
    }
    sql.until_quiet().await;
    // A call that finds no free connection fails.
    within(tenant.get_contact("P0000")).await.unwrap();
    let rest = Exported::read(&mut streams[0]).await.unwrap();
    assert_eq!(rest.ids().len(), 2 * EACH - 50);
}

#[tokio::test]
async fn a_disconnected_reader_stops_the_query() {
    let mut scene = scene().await;
    let (_, mut stream) = begun(&mut scene).await;
    let blocker = Sql::lock_contacts(&scene.server.database_url).await;
    let reading = async {
        loop {
            page(&mut stream).await;
        }
    };
    tokio::select! {
        () = reading => {}
        () = scene.sql.until_waiting(1) => {}
    }
    drop(stream);
    // The lock is still held.
    scene.sql.until_waiting(0).await;
    drop(blocker);
}
