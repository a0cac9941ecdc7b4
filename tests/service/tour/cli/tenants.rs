//! `tenant`.

use std::sync::Arc;

use mailing_groups::pb::{
    Tenant, TenantLimits, UpdateTenantRequest, tenants_client::TenantsClient,
};

use super::fails;
use crate::{support::serve::channel, tour::service::Service};

/// Limits the contacts of a tenant.
async fn limit(service: &Service, name: &str) {
    let address = service.address.to_string().parse().unwrap();
    let request = UpdateTenantRequest {
        tenant: Some(Tenant {
            name: name.into(),
            limits: Some(TenantLimits {
                max_contacts: 1,
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut client = TenantsClient::new(channel(address));
    client.update_tenant(request).await.unwrap();
}

#[tokio::test]
async fn tenants_are_created_shown_listed_and_deleted() {
    let service = tokio::task::spawn_blocking(Service::shared).await.unwrap();
    let run = async |arguments: &'static str| {
        let service = Arc::clone(&service);
        let run = move || service.run("ignored", arguments);
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let empty = "0 mailing groups, 0 contacts, 0 memberships, 0 segments";
    let created = run("tenant create cli-tenant").await;
    let line = format!("cli-tenant: {empty} at revision 0\n");
    assert_eq!(created.stdout, line);
    assert_eq!(run("tenant list cli-tenant").await.stdout, line);
    limit(&service, "cli-tenant").await;
    assert_eq!(
        run("tenant show cli-tenant").await.stdout,
        format!("cli-tenant: {empty} at revision 0, at most 1 contact\n")
    );
    fails(
        &run("tenant create cli-tenant").await,
        1,
        &["ALREADY_EXISTS", "tenant cli-tenant exists already"],
    );
    let tried = run("tenant delete cli-tenant --dry-run").await;
    let suffix = " (nothing was changed: --dry-run)";
    let deleted = format!("tenant cli-tenant deleted: {empty}");
    assert_eq!(tried.stdout, format!("{deleted}{suffix}\n"));
    let done = run("tenant delete cli-tenant").await;
    assert_eq!(done.stdout, format!("{deleted}\n"));
    fails(
        &run("tenant show cli-tenant").await,
        1,
        &["NOT_FOUND", "no tenant cli-tenant"],
    );
}
