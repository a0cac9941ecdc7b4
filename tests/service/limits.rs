//! Exhausted series of numbers, and oversized messages.

use mailing_groups::pb;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::{Tenant, info, new_group, pairs, person, tables};

/// Advances the counters of a tenant, as if that many numbers had been used.
async fn wind(tenant: &Tenant, column: &str, next: i32) {
    let client = tables::shared().await;
    let tenant_id = tables::tenant_id(&client, &tenant.name).await.unwrap();
    let text = format!("UPDATE clocks SET {column} = $2 WHERE tenant_id = $1");
    assert_eq!(
        client.execute(&text, &[&tenant_id, &next]).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn the_last_number_of_a_series_is_used_once() {
    let mut tenant = Tenant::new().await;
    tenant.group("FIRST").await;
    wind(&tenant, "next_contact_number", i32::MAX - 1).await;
    wind(&tenant, "next_group_id", i32::MAX - 1).await;
    tenant.create(person("LAST", "")).await;
    tenant.group("LAST").await;
    let group = tenant
        .create_group(new_group("MORE", ""), "")
        .await
        .unwrap_err();
    let contact = tenant
        .create_contact(person("MORE", ""), "")
        .await
        .unwrap_err();
    for (status, reason) in [
        (group, "MAILING_GROUP_NUMBERS_SPENT"),
        (contact, "CONTACT_NUMBERS_SPENT"),
    ] {
        assert_eq!(
            (status.code(), info(&status).reason.as_str()),
            (Code::ResourceExhausted, reason)
        );
        assert!(status.get_error_details().quota_failure().is_some());
    }
    tenant.assign("LAST", "LAST").await;
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_oversized_message_is_rejected() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    let endless = "x".repeat(5 << 20);
    let status = tenant
        .batch_assign(pairs(&[(&endless, "MOVE")]), "")
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    info(&status);
}

/// What is echoed fits the trailers, whose length clients limit.
#[tokio::test]
async fn the_error_for_an_oversized_field_is_short() {
    let mut tenant = Tenant::new().await;
    let endless = "é".repeat(500_000);
    let statuses = [
        tenant.create_group(new_group(&endless, ""), "").await.err(),
        tenant
            .create_group(new_group("A", &endless), "")
            .await
            .err(),
        tenant
            .create_group(new_group("A", ""), &endless)
            .await
            .err(),
        tenant.create_contact(person(&endless, ""), "").await.err(),
        tenant
            .create_contact(
                pb::Contact {
                    name: endless.clone(),
                    ..person("A", "")
                },
                "",
            )
            .await
            .err(),
        tenant
            .create_contact(
                pb::Contact {
                    email: endless.clone(),
                    ..person("A", "")
                },
                "",
            )
            .await
            .err(),
        tenant.try_assign("A", &endless).await.err(),
        tenant.rename("A", "B", &endless).await.err(),
    ];
    for (at, status) in statuses.into_iter().enumerate() {
        let status = status.unwrap();
        assert!(
            matches!(status.code(), Code::InvalidArgument | Code::NotFound),
            "{at}: {status:?}"
        );
        assert!(status.message().len() < 300, "{at}: {}", status.message());
        assert!(status.details().len() < 1_000, "{at}");
    }
}
