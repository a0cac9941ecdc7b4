//! Imports that only validate.

use mailing_groups::pb::{
    self, AssignmentOutcome,
    import_contacts_request::Start,
    import_memberships_request::{self as to_memberships, Message as ToMemberships},
    import_memberships_response::Message as OfMemberships,
};
use tonic::Code;

use super::{import, import_with, rejections, summary};
use crate::support::{Tenant, company, membership_chunk, pairs, person, tables};

fn validation() -> Start {
    Start {
        import_id: "checked".into(),
        validate_only: true,
        ..Default::default()
    }
}

/// The number that a query with the tenant's name answers.
async fn number(tenant: &Tenant, text: &str) -> i64 {
    let row = tables::shared()
        .await
        .query_one(text, &[&tenant.name])
        .await;
    row.unwrap().get(0)
}

async fn revision(tenant: &Tenant) -> i64 {
    let text = "SELECT revision FROM clocks JOIN tenants t USING (tenant_id) WHERE t.name = $1";
    number(tenant, text).await
}

#[tokio::test]
async fn a_validation_has_the_outcomes_of_the_import_and_writes_nothing() {
    let mut tenant = Tenant::new().await;
    tenant.import(vec![company("C"), person("OLD", "C")]).await;
    let chunks = vec![
        vec![company("D"), person("P", "D"), person("OLD", "C")],
        vec![
            person("Q", "D"),
            person("R", "NONE"),
            person("D", ""),
            person("P", ""),
        ],
        vec![person("Q", ""), person("D", ""), person("C", "")],
    ];
    let before = revision(&tenant).await;
    let validated = import_with(&mut tenant, validation(), chunks.clone()).await;
    assert_eq!(revision(&tenant).await, before);
    for id in ["D", "P", "Q"] {
        assert_eq!(
            tenant.get_contact(id).await.unwrap_err().code(),
            Code::NotFound
        );
    }
    let text = "SELECT count(*) FROM imports JOIN tenants t USING (tenant_id) WHERE t.name = $1";
    assert_eq!(number(&tenant, text).await, 0);

    let imported = import(&mut tenant, chunks).await;
    assert_eq!(
        rejections(&validated),
        [(4, "R", "company_id"), (5, "D", "kind"), (9, "C", "kind")]
    );
    assert_eq!(rejections(&validated), rejections(&imported));
    let without_revision = |answers| pb::import_contacts_response::Summary {
        revision: 0,
        ..summary(answers)
    };
    assert_eq!(without_revision(&validated), without_revision(&imported));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_validation_of_memberships_writes_nothing() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(person("P", "")).await;
    tenant.create(person("Q", "")).await;
    tenant.assign("Q", "MOVE").await;
    let upload = tenant.upload_memberships().await;
    let start = to_memberships::Start {
        validate_only: true,
        ..Default::default()
    };
    upload.send(ToMemberships::Start(start)).await;
    let first = [("P", "MOVE"), ("X", "MOVE"), ("P", "NONE"), ("Q", "MOVE")];
    upload.send(membership_chunk(pairs(&first))).await;
    upload.send(membership_chunk(pairs(&[("P", "MOVE")]))).await;
    upload.send(ToMemberships::Finish(Default::default())).await;
    let answers = upload.close().await.unwrap();
    let mut outcomes = Vec::new();
    for answer in &answers {
        if let Some(OfMemberships::Rejection(rejection)) = &answer.message {
            outcomes.push((rejection.index, rejection.outcome()));
        }
    }
    assert_eq!(
        outcomes,
        [
            (1, AssignmentOutcome::UnknownContact),
            (2, AssignmentOutcome::UnknownGroup)
        ]
    );
    let Some(Some(OfMemberships::Summary(summary))) = answers.last().map(|it| &it.message) else {
        panic!("{answers:?}");
    };
    assert_eq!((summary.changed_count, summary.unchanged_count), (1, 2));
    assert_eq!(tenant.counts("MOVE").await.0, 1);
    tenant.assert_consistent().await;
}
