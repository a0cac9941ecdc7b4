//! The snapshot that a watch from the beginning starts with.

use mailing_groups::pb::{ChangeKind, watch_changes_response::Message};

use super::{
    feed::{Feed, beginning, filtered, reported},
    model::Model,
};
use crate::support::{Server, Sql, Tenant, company, new_group, person};

/// Reads a snapshot to its end.
async fn read(feed: &mut Feed) -> (Model, i64) {
    let mut model = Model::default();
    loop {
        match feed.message().await.unwrap() {
            Message::Snapshot(part) => model.fill(part),
            Message::SnapshotEnd(end) => return (model, end.revision),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_empty_tenant_has_an_empty_snapshot() {
    let mut tenant = Tenant::new().await;
    let mut feed = tenant.watch(beginning()).await.unwrap();
    assert_eq!(read(&mut feed).await, (Model::default(), 0));
    tenant.create(company("A")).await;
    assert_eq!(feed.changes().await.revision, 1);
}

#[tokio::test]
async fn a_snapshot_is_complete_and_filters_apply_to_it() {
    let mut tenant = Tenant::new().await;
    tenant
        .create_group(new_group("MOVE", "Office move"), "")
        .await
        .unwrap();
    tenant
        .create_group(new_group("GIFT", ""), "")
        .await
        .unwrap();
    tenant.create(company("A")).await;
    tenant.create(person("B", "A")).await;
    tenant.assign("A", "MOVE").await;
    tenant.assign("B", "MOVE").await;
    tenant.assign("B", "GIFT").await;
    let mut feed = tenant.watch(beginning()).await.unwrap();
    let (model, revision) = read(&mut feed).await;
    let sql = Sql::connect(&Server::shared().await.database_url).await;
    assert_eq!(
        (&model, revision),
        (&Model::stored(&sql, &tenant.name).await, 7)
    );
    assert_eq!(
        (
            model.groups.len(),
            model.contacts.len(),
            model.members.len()
        ),
        (2, 2, 3)
    );

    let request = filtered(beginning(), &[ChangeKind::MailingGroups], &["move"]);
    let (narrow, _) = read(&mut tenant.watch(request).await.unwrap()).await;
    assert_eq!(
        (
            narrow.groups.len(),
            narrow.contacts.len(),
            narrow.members.len()
        ),
        (1, 0, 0)
    );
    let request = filtered(beginning(), &[ChangeKind::Segments], &[]);
    let (none, revision) = read(&mut tenant.watch(request).await.unwrap()).await;
    assert_eq!((none, revision), (Model::default(), 7));
}

#[tokio::test]
async fn a_slowly_read_snapshot_is_of_one_revision() {
    let server = Server::start().await;
    let mut tenant = Tenant::over(server.narrow_channel().await, "slow");
    tenant.group("MOVE").await;
    let contact = |n: usize| mailing_groups::pb::Contact {
        email: format!("{}@example.org", "y".repeat(200)),
        ..company(&format!("C{n:05}"))
    };
    let contacts: Vec<_> = (0..6_000).map(contact).collect();
    tenant.import_contacts(&contacts).await;
    let pairs: Vec<_> = contacts
        .iter()
        .map(|it| (it.id.clone(), "MOVE".to_owned()))
        .collect();
    tenant.import_memberships(&pairs).await;
    let mut writer = Tenant::of(&server, "slow").await;
    let mut feed = writer.watch(beginning()).await.unwrap();
    // Read ahead is what the buffers hold; the rest is read after all of this was changed.
    writer.rename("MOVE", "GO", "").await.unwrap();
    for n in [0, 3_000, 5_998] {
        writer
            .delete_contact(&format!("C{n:05}"), "", true)
            .await
            .unwrap();
    }
    writer.unassign("C05999", "GO").await.unwrap();
    let last = writer.create(company("NEW")).await.revision;
    let (mut model, revision) = read(&mut feed).await;
    assert!(model.groups.contains_key("MOVE") && !model.contacts.contains_key("NEW"));
    assert!(model.members.contains(&("MOVE".into(), "C05999".into())));
    for next in revision + 1..=last {
        let changes = feed.changes().await;
        assert_eq!(changes.revision, next);
        reported(changes)
            .into_iter()
            .for_each(|change| model.apply(change));
    }
    let sql = Sql::connect(&server.database_url).await;
    assert_eq!(model, Model::stored(&sql, "slow").await);
}
