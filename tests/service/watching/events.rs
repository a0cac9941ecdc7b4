//! The events of each kind of change.

use mailing_groups::pb::{
    self, ChangeKind, ContactState, ContactStates, ContactsDeleted, GroupMembers,
    MailingGroupDeleted, MailingGroupRenamed, MailingGroupState, change::Change,
};

use super::feed::{after, filtered, now, reported};
use crate::support::{Tenant, company, new_group, person};

fn group(code: &str, description: &str) -> MailingGroupState {
    MailingGroupState {
        code: code.into(),
        description: description.into(),
    }
}

fn members(code: &str, ids: &[&str]) -> GroupMembers {
    GroupMembers {
        code: code.into(),
        contact_ids: ids.iter().map(ToString::to_string).collect(),
    }
}

fn contacts(all: &[&pb::Contact]) -> ContactStates {
    let state = |contact: &&pb::Contact| ContactState {
        id: contact.id.clone(),
        contact: Some((*contact).clone()),
    };
    ContactStates {
        contacts: all.iter().map(state).collect(),
    }
}

#[tokio::test]
async fn each_change_is_reported_with_ids_and_codes() {
    let mut tenant = Tenant::new().await;
    let mut feed = tenant.watch(now()).await.unwrap();
    assert_eq!(feed.until_progress().await, (vec![], 0));
    tenant
        .create_group(new_group("MOVE", "Office move"), "")
        .await
        .unwrap();
    let changes = feed.changes().await;
    assert_eq!((changes.revision, changes.more), (1, false));
    assert!(changes.commit_time.is_some() && !changes.request_id.is_empty());
    assert_eq!(
        reported(changes),
        [Change::MailingGroupCreated(group("MOVE", "Office move"))]
    );

    let acme = tenant.create(company("ACME")).await;
    assert_eq!(
        reported(feed.changes().await),
        [Change::ContactsCreated(contacts(&[&acme]))]
    );
    let ada = tenant.create(person("ADA", "ACME")).await;
    assert_eq!(
        reported(feed.changes().await),
        [Change::ContactsCreated(contacts(&[&ada]))]
    );
    tenant.assign("ADA", "MOVE").await;
    assert_eq!(
        reported(feed.changes().await),
        [Change::MembersAdded(members("MOVE", &["ADA"]))]
    );
    tenant.rename("MOVE", "RELOCATE", "").await.unwrap();
    let renamed = MailingGroupRenamed {
        code: "RELOCATE".into(),
        former_code: "MOVE".into(),
        description: "Office move".into(),
    };
    assert_eq!(
        reported(feed.changes().await),
        [Change::MailingGroupRenamed(renamed)]
    );
    tenant
        .update_group(new_group("RELOCATE", "Off"), None)
        .await
        .unwrap();
    let updated = Change::MailingGroupUpdated(group("RELOCATE", "Off"));
    assert_eq!(reported(feed.changes().await), [updated]);
    tenant.unassign("ADA", "RELOCATE").await.unwrap();
    let removed = Change::MembersRemoved(members("RELOCATE", &["ADA"]));
    assert_eq!(
        reported(feed.changes().await),
        std::slice::from_ref(&removed)
    );
    tenant.assign("ADA", "RELOCATE").await;
    feed.changes().await;
    let added = tenant.assign("ACME", "RELOCATE").await.revision;
    feed.changes().await;

    tenant.delete_contact("ACME", "", true).await.unwrap();
    let ada = tenant.get_contact("ADA").await.unwrap();
    let deleted = ContactsDeleted {
        contact_ids: vec!["ACME".into()],
    };
    assert_eq!(
        reported(feed.changes().await),
        [
            Change::ContactsUpdated(contacts(&[&ada])),
            Change::MembersRemoved(members("RELOCATE", &["ACME"])),
            Change::ContactsDeleted(deleted),
        ]
    );
    tenant.delete_group("RELOCATE", "", true).await.unwrap();
    let gone = MailingGroupDeleted {
        code: "RELOCATE".into(),
    };
    assert_eq!(
        reported(feed.changes().await),
        [removed, Change::MailingGroupDeleted(gone)]
    );

    // Later a deleted contact is still reported by its id only.
    let mut late = tenant.watch(after(1)).await.unwrap();
    let nameless = ContactState {
        id: "ACME".into(),
        contact: None,
    };
    let created = ContactStates {
        contacts: vec![nameless],
    };
    assert_eq!(
        reported(late.changes().await),
        [Change::ContactsCreated(created)]
    );
    let mut late = tenant.watch(after(added - 1)).await.unwrap();
    let added = Change::MembersAdded(members("RELOCATE", &["ACME"]));
    assert_eq!(reported(late.changes().await), [added]);
}

#[tokio::test]
async fn filters_leave_out_other_kinds_and_codes() {
    let mut tenant = Tenant::new().await;
    for code in ["MOVE", "GIFT"] {
        tenant.group(code).await;
    }
    tenant.create(company("A")).await;
    tenant.assign("A", "MOVE").await;
    tenant.assign("A", "GIFT").await;
    tenant.rename("MOVE", "GO", "").await.unwrap();
    tenant.unassign("A", "GO").await.unwrap();
    let mut read = async |kinds: &[ChangeKind], codes: &[&str]| {
        let request = filtered(after(0), kinds, codes);
        tenant.watch(request).await.unwrap().until(7).await
    };
    let (added, removed) = (Change::MembersAdded, Change::MembersRemoved);
    let renamed = Change::MailingGroupRenamed(MailingGroupRenamed {
        code: "GO".into(),
        former_code: "MOVE".into(),
        description: String::new(),
    });
    assert_eq!(
        read(&[ChangeKind::Memberships], &[]).await,
        [
            added(members("MOVE", &["A"])),
            added(members("GIFT", &["A"])),
            removed(members("GO", &["A"]))
        ]
    );
    assert_eq!(
        read(&[], &["move"]).await,
        [
            Change::MailingGroupCreated(group("MOVE", "")),
            added(members("MOVE", &["A"])),
            renamed.clone()
        ]
    );
    assert_eq!(
        read(&[ChangeKind::MailingGroups, ChangeKind::Contacts], &["GO"])
            .await
            .len(),
        2
    );
    assert_eq!(
        read(&[], &["GO"]).await,
        [renamed, removed(members("GO", &["A"]))]
    );
    assert_eq!(read(&[ChangeKind::Segments], &[]).await, []);
    assert_eq!(read(&[], &[]).await.len(), 7);
}

#[tokio::test]
async fn a_watch_without_matching_changes_gets_progress() {
    let mut tenant = Tenant::new().await;
    let request = filtered(now(), &[ChangeKind::Segments], &[]);
    let mut feed = tenant.watch(request).await.unwrap();
    assert_eq!(feed.until_progress().await, (vec![], 0));
    tenant.group("MOVE").await;
    assert_eq!(feed.until(1).await, []);
}
