//! What the standby answers, and when.

use std::cell::Cell;

use mailing_groups::pb;

use super::{CONTACTS, Scene};
use crate::support::{Sql, eventually, person};

/// A call that reads much.
#[derive(Debug, Clone, Copy)]
enum Read {
    Groups,
    Contacts,
    Members,
    GroupsOfContact,
    Batch,
    Segments,
    Criteria,
    Details,
    Export,
    ColdSet(usize),
}

impl Scene {
    /// Makes a group that was not read yet.
    async fn cold_set(&mut self, number: usize) -> usize {
        let code = format!("COLD{number}");
        self.tenant.group(&code).await;
        self.tenant.assign("P0001", &code).await;
        // Now the server knows that there is this group.
        self.tenant.members("ALL").await;
        self.pair.until_level().await;
        number
    }

    async fn read(&mut self, read: Read) {
        let tenant = &mut self.tenant;
        match read {
            Read::Groups => assert!(tenant.all_codes().await.contains(&"ALL".to_owned())),
            Read::Contacts => {
                let all = tenant.contact_ids(pb::ListContactsRequest::default()).await;
                assert_eq!(all.len(), CONTACTS);
            }
            Read::Members => assert_eq!(tenant.list_members("ALL").await.len(), CONTACTS),
            Read::GroupsOfContact => assert_eq!(tenant.codes("P0001").await[0], "ALL"),
            Read::Batch => {
                let ids = vec!["P0001".to_owned(), "P0002".to_owned()];
                let request = pb::BatchGetContactsRequest { ids };
                let answer = tenant.contacts.batch_get_contacts(request).await.unwrap();
                assert_eq!(answer.into_inner().contacts.len(), 2);
            }
            Read::Segments => {
                let request = pb::ListSegmentsRequest::default();
                tenant.segments.list_segments(request).await.unwrap();
            }
            Read::Criteria => {
                let request = pb::ListSavedCriteriaRequest::default();
                tenant.segments.list_saved_criteria(request).await.unwrap();
            }
            Read::Details => assert_eq!(tenant.details("ALL").await.len(), CONTACTS),
            Read::Export => assert_eq!(tenant.exported().await.unwrap().len(), CONTACTS),
            Read::ColdSet(number) => {
                assert_eq!(tenant.members(&format!("COLD{number}")).await, ["P0001"]);
            }
        }
    }
}

#[tokio::test]
async fn the_standby_answers_what_reads_much() {
    let mut scene = Scene::start().await;
    let cold = Cell::new(0);
    for read in [
        Read::Groups,
        Read::Contacts,
        Read::Members,
        Read::GroupsOfContact,
        Read::Batch,
        Read::Segments,
        Read::Criteria,
        Read::Details,
        Read::Export,
        Read::ColdSet(0),
    ] {
        println!("{read:?}");
        // On a busy machine the standby may take too long for one of them.
        eventually(async || {
            let read = match read {
                Read::ColdSet(_) => {
                    Read::ColdSet(scene.cold_set(cold.replace(cold.get() + 1)).await)
                }
                other => other,
            };
            let before = scene.count("replica").await;
            scene.read(read).await;
            (scene.count("replica").await > before).then_some(())
        })
        .await;
    }
    let standby = Sql::connect(scene.pair.standby_url()).await;
    assert!(standby.backends("true").await > 0);
    let writing = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mailing-groups' \
        AND query LIKE 'INSERT%'";
    assert_eq!(standby.number(writing, &[]).await, 0);
}

/// Writes, and reads what was written.
async fn write_and_read(scene: &mut Scene, name: &str) {
    scene.tenant.group(name).await;
    assert!(scene.tenant.all_codes().await.contains(&name.to_owned()));
    scene.tenant.create(person(name, "A")).await;
    scene.tenant.assign(name, name).await;
    assert_eq!(scene.tenant.members(name).await, [name]);
    assert_eq!(scene.tenant.list_members(name).await, [name]);
    assert_eq!(scene.tenant.codes(name).await, [name]);
    assert_eq!(
        scene.tenant.details(name).await[0].name,
        format!("Person {name}")
    );
    assert!(
        scene
            .tenant
            .exported()
            .await
            .unwrap()
            .contains(&name.to_owned())
    );
    scene.assert_current().await;
}

#[tokio::test]
async fn a_read_after_a_write_sees_it_while_the_standby_lags() {
    let mut scene = Scene::start().await;
    scene.pair.pause().await;
    let before = scene.count("replica").await;
    write_and_read(&mut scene, "PAUSED").await;
    scene.until_counted("behind").await;
    assert_eq!(scene.count("replica").await, before);
    scene.pair.resume().await;
    scene.until_used().await;

    scene.pair.separate().await;
    let before = scene.count("replica").await;
    write_and_read(&mut scene, "SEPARATE").await;
    scene.until_counted("behind").await;
    assert_eq!(scene.count("replica").await, before);
}

#[tokio::test]
async fn a_lag_of_one_tenant_does_not_concern_another() {
    let mut scene = Scene::start().await;
    scene.pair.pause().await;
    let mut other = scene.another_tenant("other");
    other.group("OTHER").await;
    assert_eq!(other.all_codes().await, ["OTHER"]);
    scene.until_counted("replica").await;
    assert_eq!(other.all_codes().await, ["OTHER"]);
}

#[tokio::test]
async fn a_commit_that_only_the_standby_shows_is_not_answered() {
    let mut scene = Scene::start().await;
    scene.pair.hide().await;
    let mut writer = scene.tenant.clone();
    let write = tokio::spawn(async move { writer.group("HIDDEN").await });
    let standby = Sql::connect(scene.pair.standby_url()).await;
    let count = "SELECT count(*) FROM mailing_groups WHERE code = 'HIDDEN'";
    eventually(async || (standby.number(count, &[]).await == 1).then_some(())).await;
    let before = scene.count("ahead").await;
    eventually(async || {
        // Any server without the standby answers so.
        assert_eq!(scene.tenant.all_codes().await, ["ALL"]);
        (scene.count("ahead").await > before).then_some(())
    })
    .await;
    assert!(!write.is_finished());
    scene.pair.show().await;
    write.await.unwrap();
    assert_eq!(scene.tenant.all_codes().await, ["ALL", "HIDDEN"]);
}
