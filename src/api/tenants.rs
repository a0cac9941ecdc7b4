//! The service `Tenants`.

use tonic::{Request, Response};

use super::{
    Api, RpcResult,
    convert::{apply_field_mask, timestamp},
    field::{Field, etag, search_text},
    request::{idempotency_key, split_request_about, split_request_of_all},
    token::ListPage,
};
use crate::{
    domain::{Violation, tenants},
    model::{Tenant, TenantCounts, TenantLimits, TenantName, TenantRates},
    pb::{self, tenants_server::Tenants},
};

#[tonic::async_trait]
impl Tenants for Api {
    async fn create_tenant(
        &self,
        request: Request<pb::CreateTenantRequest>,
    ) -> RpcResult<pb::CreateTenantResponse> {
        let (call, mut request) = split_request_about("tenant.name", request, |it| {
            it.tenant.as_ref().map_or("", |it| &it.name)
        })?;
        let key = idempotency_key(&mut request)?;
        let limits = limits(request.tenant.unwrap_or_default().limits)?;
        let tenant = tenants::create(&self.domain, &call, limits, key).await?;
        Ok(Response::new(pb::CreateTenantResponse {
            tenant: Some(tenant.into()),
        }))
    }

    async fn get_tenant(
        &self,
        request: Request<pb::GetTenantRequest>,
    ) -> RpcResult<pb::GetTenantResponse> {
        let (call, _) = split_request_about("name", request, |it| &it.name)?;
        let tenant = tenants::get(&self.domain, &call).await?;
        Ok(Response::new(pb::GetTenantResponse {
            tenant: Some(tenant.into()),
        }))
    }

    async fn list_tenants(
        &self,
        request: Request<pb::ListTenantsRequest>,
    ) -> RpcResult<pb::ListTenantsResponse> {
        let (call, granted, mut request) = split_request_of_all(request)?;
        let page = ListPage::<TenantName>::take(&call, &mut request)?;
        let prefix = search_text(request.prefix, "prefix")?;
        let after = page.after.as_ref();
        let (found, more) =
            tenants::list(&self.domain, &granted, &prefix, after, page.size).await?;
        let last = found.last().filter(|_| more);
        let next_page_token = last.map(|it| page.token_after(&it.name));
        Ok(Response::new(pb::ListTenantsResponse {
            tenants: found.into_iter().map(Into::into).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        }))
    }

    async fn update_tenant(
        &self,
        request: Request<pb::UpdateTenantRequest>,
    ) -> RpcResult<pb::UpdateTenantResponse> {
        let (call, mut request) = split_request_about("tenant.name", request, |it| {
            it.tenant.as_ref().map_or("", |it| &it.name)
        })?;
        let key = idempotency_key(&mut request)?;
        let tenant = request.tenant.unwrap_or_default();
        let limits = limits(tenant.limits)?;
        let [contacts, groups, segments, streams, calls] = apply_field_mask(
            request.update_mask.as_ref(),
            "update_mask",
            [
                "limits.max_contacts",
                "limits.max_mailing_groups",
                "limits.max_segments",
                "limits.max_streams",
                "limits.max_calls_per_second",
            ],
            [
                limits.max_contacts > 0,
                limits.max_mailing_groups > 0,
                limits.max_segments > 0,
                limits.rates.max_streams > 0,
                limits.rates.max_calls_per_second > 0,
            ],
        )?;
        let change = |before: TenantLimits| {
            let of = |chosen: bool| if chosen { limits } else { before };
            TenantLimits {
                max_contacts: of(contacts).max_contacts,
                max_mailing_groups: of(groups).max_mailing_groups,
                max_segments: of(segments).max_segments,
                rates: TenantRates {
                    max_streams: of(streams).rates.max_streams,
                    max_calls_per_second: of(calls).rates.max_calls_per_second,
                },
            }
        };
        let etag = etag(&tenant.etag);
        let tenant = tenants::update(&self.domain, &call, change, etag, key).await?;
        Ok(Response::new(pb::UpdateTenantResponse {
            tenant: Some(tenant.into()),
        }))
    }

    async fn delete_tenant(
        &self,
        request: Request<pb::DeleteTenantRequest>,
    ) -> RpcResult<pb::DeleteTenantResponse> {
        let (call, mut request) = split_request_about("name", request, |it| &it.name)?;
        let key = idempotency_key(&mut request)?;
        let counts = match request.validate_only {
            true => tenants::validate_delete(&self.domain, &call).await?,
            false => tenants::delete(&self.domain, &call, key).await?,
        };
        Ok(Response::new(pb::DeleteTenantResponse {
            counts: Some(counts.into()),
        }))
    }
}

fn limits(limits: Option<pb::TenantLimits>) -> Result<TenantLimits, Violation> {
    let limits = limits.unwrap_or_default();
    let limit = |value: i64, name: &str| match value {
        ..0 => Err("must be 0 for no limit, or more").field(&format!("tenant.limits.{name}")),
        _ => Ok(value),
    };
    Ok(TenantLimits {
        max_contacts: limit(limits.max_contacts, "max_contacts")?,
        max_mailing_groups: limit(limits.max_mailing_groups, "max_mailing_groups")?,
        max_segments: limit(limits.max_segments, "max_segments")?,
        rates: TenantRates {
            max_streams: limit(limits.max_streams, "max_streams")?,
            max_calls_per_second: limit(limits.max_calls_per_second, "max_calls_per_second")?,
        },
    })
}

impl From<Tenant> for pb::Tenant {
    fn from(tenant: Tenant) -> Self {
        Self {
            etag: tenant.etag(),
            name: tenant.name.into(),
            create_time: Some(timestamp(tenant.create_time)),
            revision: tenant.revision,
            counts: Some(tenant.counts.into()),
            limits: Some(pb::TenantLimits {
                max_contacts: tenant.limits.max_contacts,
                max_mailing_groups: tenant.limits.max_mailing_groups,
                max_segments: tenant.limits.max_segments,
                max_streams: tenant.limits.rates.max_streams,
                max_calls_per_second: tenant.limits.rates.max_calls_per_second,
            }),
        }
    }
}

impl From<TenantCounts> for pb::TenantCounts {
    fn from(counts: TenantCounts) -> Self {
        Self {
            mailing_group_count: counts.mailing_group_count,
            contact_count: counts.contact_count,
            membership_count: counts.membership_count,
            segment_count: counts.segment_count,
        }
    }
}
