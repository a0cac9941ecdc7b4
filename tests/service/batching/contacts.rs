//! Batches of calls that change or read contacts.

use std::collections::HashSet;

use mailing_groups::pb;
use tonic::Code;
use tonic_types::StatusExt;

use super::{Held, ended, filled, started};
use crate::support::{Tenant, company, person};

#[tokio::test]
async fn contacts_created_concurrently_get_successive_numbers_and_unique_ids() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("A")).await;
    let create = |contact: pb::Contact| {
        let mut contacts = tenant.contacts.clone();
        let request = pb::CreateContactRequest {
            contact: Some(contact),
            ..Default::default()
        };
        async move { contacts.create_contact(request).await }
    };
    let mut held = Held::of(&tenant).await;
    let blocking = started([create(company("B"))]).await;
    held.is_wanted().await;
    let blank = started((0..40).map(|_| create(person("", "A")))).await;
    let twice = started((0..10).map(|_| create(person("SAME", "")))).await;
    let in_series = started([create(person("CT000003", ""))]).await;
    let unknown = started([create(person("", "NOBODY"))]).await;
    held.release().await;
    ended(blocking).await;
    let ids = ended(blank).await.into_iter();
    let ids: HashSet<String> = ids
        .map(|answer| answer.unwrap().into_inner().contact.unwrap().id)
        .collect();
    assert_eq!(ids.len(), 40);
    // At most the requested number and that of the rejected contact are skipped.
    let last = ids.iter().max().unwrap().as_str();
    assert!(("CT000040"..="CT000042").contains(&last), "{ids:?}");
    let in_series = ended(in_series).await.remove(0);
    assert_eq!(in_series.is_err(), ids.contains("CT000003"));
    let outcomes = ended(twice).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for status in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(status.code(), Code::AlreadyExists);
    }
    let status = ended(unknown).await.remove(0).unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.get_details_bad_request().is_some());
}

#[tokio::test]
async fn of_concurrent_updates_with_the_same_etag_one_succeeds() {
    let mut tenant = Tenant::new().await;
    let contact = tenant.create(person("P", "")).await;
    let update = |n: usize, etag: &str| {
        let mut contacts = tenant.contacts.clone();
        let contact = pb::Contact {
            id: "P".into(),
            name: format!("Name {n}"),
            etag: etag.into(),
            ..Default::default()
        };
        let request = pb::UpdateContactRequest {
            contact: Some(contact),
            ..Default::default()
        };
        async move { contacts.update_contact(request).await }
    };
    let calls = started((0..30).map(|n| update(n, &contact.etag))).await;
    let outcomes = ended(calls).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for status in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(status.code(), Code::Aborted);
    }
    let calls = started((0..30).map(|n| update(n, ""))).await;
    let etags: HashSet<String> = ended(calls)
        .await
        .into_iter()
        .map(|answer| answer.unwrap().into_inner().contact.unwrap().etag)
        .collect();
    assert_eq!(etags.len(), 30, "every state has an etag of its own");
}

#[tokio::test]
async fn concurrent_reads_return_the_contact_of_each_call() {
    let mut tenant = filled().await;
    for n in 0..20 {
        tenant.group(&format!("G{n}")).await;
        tenant.assign("C1", &format!("G{n}")).await;
    }
    let read = |n: usize| {
        let mut tenant = tenant.clone();
        async move {
            let (code, id) = (format!("g{n}"), format!("C{n}"));
            let group = tenant.get_group(&code).await;
            let contact = tenant.get_contact(&id).await;
            let page = pb::ListContactMailingGroupsRequest {
                contact_id: if n.is_multiple_of(3) {
                    "nobody".into()
                } else {
                    id
                },
                page_size: i32::try_from(n % 4 + 1).unwrap(),
                ..Default::default()
            };
            let page = tenant.groups.list_contact_mailing_groups(page).await;
            (n, group, contact, page)
        }
    };
    let reads = started((0..60).map(|n| read(n % 30))).await;
    for (n, group, contact, page) in ended(reads).await {
        match group {
            Ok(group) => assert_eq!(group.code, format!("G{n}")),
            Err(status) => assert!(n >= 20 && status.code() == Code::NotFound),
        }
        assert_eq!(contact.unwrap().id, format!("C{n}"));
        match page {
            Err(status) => assert!(n % 3 == 0 && status.code() == Code::NotFound),
            Ok(page) => {
                let page = page.into_inner();
                let expected = if n == 1 { 2 } else { 0 };
                assert_eq!(page.mailing_groups.len(), expected, "C{n}");
                assert_eq!(page.next_page_token.is_empty(), n != 1);
            }
        }
    }
}
