//! The protocol of uploads: start, chunks, finish; and the effects of interrupted ones.

use mailing_groups::pb::{
    import_contacts_request::Message as ToContacts,
    import_contacts_response::Message as OfContacts,
    import_memberships_request::Message as ToMemberships,
};
use tonic::{Code, Status};

use crate::support::{
    Tenant, contact_chunk, info, membership_chunk, pairs, person, tables, upload::Response,
    violations,
};

fn start() -> ToContacts {
    ToContacts::Start(Default::default())
}

fn finish() -> ToContacts {
    ToContacts::Finish(Default::default())
}

fn one(id: &str) -> ToContacts {
    contact_chunk(vec![person(id, "")])
}

/// The error of an upload of these messages.
async fn failure(tenant: &mut Tenant, messages: Vec<ToContacts>) -> Status {
    let upload = tenant.upload_contacts().await;
    for message in messages {
        upload.send(message).await;
    }
    upload.close().await.unwrap_err()
}

#[tokio::test]
async fn messages_out_of_order_are_rejected() {
    let mut tenant = Tenant::new().await;
    for messages in [vec![one("P")], vec![finish()], vec![start(), start()]] {
        let status = failure(&mut tenant, messages).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(
            (violations(&status), info(&status).reason.as_str()),
            (vec!["message".into()], "INVALID_FIELD")
        );
    }
    assert!(tenant.get_contact("P").await.is_err());
}

#[tokio::test]
async fn a_message_after_finish_is_rejected() {
    let mut tenant = Tenant::new().await;
    for (message, field) in [
        (one("P"), "chunk"),
        (finish(), "finish"),
        (start(), "start"),
    ] {
        let status = failure(&mut tenant, vec![start(), one("Q"), finish(), message]).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(violations(&status), [field]);
    }
    assert!(tenant.get_contact("P").await.is_err());
    tenant.get_contact("Q").await.unwrap();
}

#[tokio::test]
async fn an_empty_upload_gets_a_summary() {
    let mut tenant = Tenant::new().await;
    let mut upload = tenant.upload_contacts().await;
    upload.send(start()).await;
    upload.send(contact_chunk(Vec::new())).await;
    assert_eq!(upload.message().await.unwrap().progress(), Some(0));
    upload.send(finish()).await;
    let answers = upload.close().await.unwrap();
    let [answer] = &answers[..] else {
        panic!("{answers:?}")
    };
    let summary = OfContacts::Summary(Default::default());
    assert_eq!(answer.message, Some(summary));
}

#[tokio::test]
async fn an_upload_without_finish_fails_and_keeps_the_acknowledged_chunks() {
    let mut tenant = Tenant::new().await;
    let mut upload = tenant.upload_contacts().await;
    upload.send(start()).await;
    upload.send(one("P1")).await;
    upload.until(1).await.unwrap();
    let status = upload.close().await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(info(&status).reason, "UPLOAD_NOT_FINISHED");
    tenant.get_contact("P1").await.unwrap();
    let status = failure(&mut tenant, Vec::new()).await;
    assert_eq!(info(&status).reason, "UPLOAD_NOT_FINISHED");
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_chunk_with_too_many_items_is_rejected_as_a_whole() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    let people = (0..10_001).map(|n| person(&format!("P{n}"), ""));
    let status = failure(
        &mut tenant,
        vec![start(), one("FIRST"), contact_chunk(people.collect())],
    )
    .await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(violations(&status), ["chunk.contacts"]);
    tenant.get_contact("FIRST").await.unwrap();
    assert!(tenant.get_contact("P0").await.is_err());
    let upload = tenant.upload_memberships().await;
    upload.send(ToMemberships::Start(Default::default())).await;
    upload
        .send(membership_chunk(pairs(&vec![("FIRST", "MOVE"); 10_001])))
        .await;
    assert_eq!(
        violations(&upload.close().await.unwrap_err()),
        ["chunk.assignments"]
    );
    assert_eq!(tenant.counts("MOVE").await.0, 0);
    tenant.assert_consistent().await;
}

/// The caller disconnects after one acknowledgement, with the next chunk in flight.
#[tokio::test]
async fn a_disconnected_upload_keeps_only_complete_acknowledged_chunks() {
    let mut tenant = Tenant::new().await;
    let client = tables::shared().await;
    for round in 0..8 {
        let ids: Vec<String> = (0..2_000).map(|n| format!("R{round}-{n}")).collect();
        let mut upload = tenant.upload_contacts().await;
        upload.send(start()).await;
        upload.send(one(&format!("ACK{round}"))).await;
        upload.until(1).await.unwrap();
        upload
            .send(contact_chunk(ids.iter().map(|id| person(id, "")).collect()))
            .await;
        drop(upload);
        tenant.get_contact(&format!("ACK{round}")).await.unwrap();
        let text = "SELECT count(*) FROM contacts JOIN tenants t USING (tenant_id) \
            WHERE t.name = $1 AND id LIKE $2";
        let like = format!("R{round}-%");
        let row = client
            .query_one(text, &[&tenant.name, &like])
            .await
            .unwrap();
        let count: i64 = row.get(0);
        assert!(count == 0 || count == 2_000, "whole or absent, not {count}");
    }
    tenant.assert_consistent().await;
}
