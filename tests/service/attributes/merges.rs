//! Merges of contacts with attributes.

use mailing_groups::pb;
use tonic::Code;

use super::{attributes, many, with_attributes};
use crate::support::{Tenant, info, person};

#[tokio::test]
async fn a_merge_takes_over_the_attributes_that_are_lacking() {
    let mut tenant = Tenant::new().await;
    tenant
        .create(with_attributes(person("KEPT", ""), "a=1 b=2"))
        .await;
    tenant
        .create(with_attributes(person("GONE", ""), "b=3 c=4"))
        .await;
    let merged = tenant.merge("KEPT", "GONE").await.unwrap();
    assert_eq!(merged.fields_taken_over.unwrap().paths, ["attributes"]);
    let contact = merged.contact.unwrap();
    assert_eq!(contact.attributes, attributes("a=1 b=2 c=4"));
    tenant
        .create(with_attributes(person("SAME", ""), "a=9"))
        .await;
    let merged = tenant.merge("KEPT", "SAME").await.unwrap();
    assert!(merged.fields_taken_over.unwrap().paths.is_empty());
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn contacts_with_too_many_attributes_together_are_not_merged() {
    let mut tenant = Tenant::new().await;
    tenant.group("G").await;
    let full = pb::Contact {
        attributes: many(32),
        ..person("KEPT", "")
    };
    tenant.create(full).await;
    tenant
        .create(with_attributes(person("GONE", ""), "k0=1 more=1"))
        .await;
    tenant.assign("GONE", "G").await;
    let status = tenant.merge("KEPT", "GONE").await.unwrap_err();
    let reason = info(&status);
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason.reason, "CONTACT_ATTRIBUTES_EXCEEDED");
    assert_eq!(reason.metadata["count"], "33");
    assert_eq!(tenant.codes("GONE").await, ["G"]);
    tenant
        .create(with_attributes(person("FITS", ""), "k1=1"))
        .await;
    tenant.merge("KEPT", "FITS").await.unwrap();
    tenant.assert_consistent().await;
}
