//! Requests that carry a `request_id`.

mod records;

use mailing_groups::{pb, server::Limits};
use tonic::Code;

use crate::support::{
    Server, Tenant, assert_consistent, company, mask, new_group, pairs, person, refused,
    steps::STEPS, tables, violations,
};

#[tokio::test]
async fn a_repeated_create_answers_with_what_it_made_as_it_is_now() {
    let mut tenant = Tenant::new().await;
    let create = async |tenant: &mut Tenant, id: &str| {
        let created = tenant.create_contact(person("", ""), id).await;
        created.map(|it| (it.contact.unwrap(), it.revision))
    };
    let (contact, revision) = create(&mut tenant, "one").await.unwrap();
    let renamed = pb::Contact {
        name: "Renamed since".into(),
        ..contact.clone()
    };
    tenant
        .update_contact(renamed, mask(&["name"]))
        .await
        .unwrap();
    let (now, same) = create(&mut tenant, "one").await.unwrap();
    assert_eq!((now.id.as_str(), same), (contact.id.as_str(), revision));
    assert_eq!(now.name, "Renamed since");
    tenant.delete_contact(&contact.id, "", false).await.unwrap();
    let gone = create(&mut tenant, "one").await;
    let gone = gone.unwrap_err();
    assert_eq!(
        refused::<()>(Err(gone)),
        (Code::NotFound, "CONTACT_NOT_FOUND".into())
    );
    let (next, _) = create(&mut tenant, "two").await.unwrap();
    assert_eq!((&*contact.id, &*next.id), ("CT000001", "CT000002"));
    tenant.assert_consistent().await;
}

/// Over two servers.
#[tokio::test]
async fn every_call_with_a_request_id_is_done_once() {
    let server = Server::start().await;
    let url = &server.database_url;
    let other = Server::on(url, Limits::default()).await;
    let (mut one, mut two) = (
        Tenant::of(&server, "t").await,
        Tenant::of(&other, "t").await,
    );
    one.group("MOVE").await;
    one.create(company("A")).await;
    for (at, (name, step)) in STEPS.iter().enumerate() {
        let id = format!("request-{at}");
        let first = step(&mut one, "1".into(), id.clone()).await.unwrap();
        if matches!(*name, "assign_mailing_group" | "unassign_mailing_group") {
            continue;
        }
        let again = step(&mut two, "1".into(), id.clone()).await;
        assert_eq!(again.unwrap(), first, "{name}");
        let status = step(&mut two, "2".into(), id).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{name}: {status:?}");
        assert_eq!(violations(&status), ["request_id"], "{name}");
    }
    assert_consistent(url, "t").await;
}

#[tokio::test]
async fn a_repeated_action_is_answered_when_what_it_names_is_gone() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    tenant.assign("A", "MOVE").await;
    let segment = pb::CreateSegmentRequest {
        segment: Some(pb::Segment {
            id: "S".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    tenant.segments.create_segment(segment).await.unwrap();
    let add = pb::AddContactsRequest {
        segment_id: "S".into(),
        expression: "MOVE".into(),
        request_id: "add".into(),
        ..Default::default()
    };
    let first = tenant.segments.add_contacts(add.clone()).await.unwrap();
    tenant.delete_group("MOVE", "", true).await.unwrap();
    let again = tenant.segments.add_contacts(add).await.unwrap();
    assert_eq!(first.into_inner(), again.into_inner());
}

#[tokio::test]
async fn an_action_is_refused_if_the_segment_has_another_etag() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("A")).await;
    let segment = pb::CreateSegmentRequest::default();
    let made = tenant.segments.create_segment(segment).await.unwrap();
    let made = made.into_inner().segment.unwrap();
    let add = pb::AddContactsRequest {
        segment_id: made.id,
        expression: "*".into(),
        etag: made.etag,
        ..Default::default()
    };
    tenant.segments.add_contacts(add.clone()).await.unwrap();
    let stale = tenant.segments.add_contacts(add).await.unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
}

#[tokio::test]
async fn a_repeated_batch_returns_the_first_response() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let items = pairs(&[("A", "MOVE"), ("A", "move"), ("X", "MOVE"), ("", "")]);
    let first = tenant.batch_assign(items.clone(), "in").await.unwrap();
    let taken = tenant.batch_unassign(items.clone(), "out").await.unwrap();
    assert_eq!((first.changed_count, taken.changed_count), (1, 1));
    assert_eq!(
        tenant.batch_assign(items.clone(), "in").await.unwrap(),
        first
    );
    assert_eq!(tenant.batch_unassign(items, "out").await.unwrap(), taken);
    assert_eq!(tenant.counts("MOVE").await, (0, 0, 0));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn concurrent_repetitions_have_one_effect_and_one_response() {
    let tenant = Tenant::new().await;
    let calls = (0..16).map(|_| {
        let mut tenant = tenant.clone();
        tokio::spawn(async move { tenant.create_contact(person("", ""), "same").await.unwrap() })
    });
    let answers = futures_util::future::join_all(calls).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(answers[0].revision, 1);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn the_same_request_id_with_another_payload_is_rejected() {
    let mut tenant = Tenant::new().await;
    tenant
        .create_group(new_group("MOVE", ""), "id")
        .await
        .unwrap();
    let statuses = [
        tenant.create_group(new_group("GIFT", ""), "id").await.err(),
        tenant
            .create_group(new_group("MOVE", "x"), "id")
            .await
            .err(),
        tenant.create_contact(company("A"), "id").await.err(),
        tenant.batch_assign(Vec::new(), "id").await.err(),
        tenant.batch_unassign(Vec::new(), "id").await.err(),
    ];
    for status in statuses {
        let status = status.unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(violations(&status), ["request_id"]);
    }
    // An error is not stored: the same id can be used again, also with another payload.
    let taken = tenant.create_group(new_group("MOVE", ""), "other").await;
    assert_eq!(refused(taken).0, Code::AlreadyExists);
    tenant
        .create_group(new_group("GIFT", ""), "other")
        .await
        .unwrap();
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn batches_in_two_directions_are_two_requests() {
    let mut tenant = Tenant::new().await;
    tenant
        .batch_assign(pairs(&[("A", "MOVE")]), "id")
        .await
        .unwrap();
    let other = tenant.batch_unassign(pairs(&[("A", "MOVE")]), "id").await;
    assert_eq!(violations(&other.unwrap_err()), ["request_id"]);
}

#[tokio::test]
async fn request_ids_are_scoped_to_their_tenant() {
    let (mut one, mut two) = (Tenant::new().await, Tenant::new().await);
    one.create_group(new_group("MOVE", ""), "id").await.unwrap();
    two.create_group(new_group("GIFT", ""), "id").await.unwrap();
    assert_eq!(refused(two.get_group("MOVE").await).0, Code::NotFound);
}

#[tokio::test]
async fn responses_are_kept_for_seven_days() {
    let mut tenant = Tenant::new().await;
    tenant
        .create_group(new_group("MOVE", ""), "id")
        .await
        .unwrap();
    let client = tables::shared().await;
    let tenant_id = tables::tenant_id(&client, &tenant.name).await;
    let age = |by: &'static str| {
        let text = format!(
            "UPDATE requests SET create_time = create_time - interval '{by}' WHERE tenant_id = $1"
        );
        let client = &client;
        async move { client.execute(&text, &[&tenant_id.unwrap()]).await.unwrap() }
    };
    assert_eq!(age("6 days 23 hours").await, 1);
    tenant
        .create_group(new_group("MOVE", ""), "id")
        .await
        .unwrap();
    age("1 hour").await;
    let forgotten = tenant.create_group(new_group("MOVE", ""), "id").await;
    assert_eq!(
        refused(forgotten).0,
        Code::AlreadyExists,
        "it counts as new"
    );
    let other = tenant
        .create_group(new_group("GIFT", ""), "id")
        .await
        .unwrap();
    assert_eq!(
        tenant
            .create_group(new_group("GIFT", ""), "id")
            .await
            .unwrap(),
        other
    );
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn invalid_request_ids_are_rejected() {
    let mut tenant = Tenant::new().await;
    for id in ["a b", "é", "{}", &"x".repeat(65)] {
        let status = tenant
            .create_group(new_group("MOVE", ""), id)
            .await
            .unwrap_err();
        assert_eq!(violations(&status), ["request_id"], "{id}");
    }
    tenant
        .create_group(new_group("MOVE", ""), &"x".repeat(64))
        .await
        .unwrap();
}
