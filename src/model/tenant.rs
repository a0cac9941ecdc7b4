//! Tenants, what they have and what they may have.

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text, Timestamptz},
};

use super::{Revision, TenantName, Time};

/// A tenant that is not being deleted.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Tenant {
    #[diesel(sql_type = Text)]
    pub(crate) name: TenantName,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) create_time: Time,
    #[diesel(sql_type = BigInt)]
    pub(crate) revision: Revision,
    #[diesel(embed)]
    pub(crate) counts: TenantCounts,
    #[diesel(embed)]
    pub(crate) limits: TenantLimits,
}

/// How much a tenant has.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub(crate) struct TenantCounts {
    #[diesel(sql_type = BigInt)]
    pub(crate) mailing_group_count: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) contact_count: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) membership_count: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) segment_count: i64,
}

/// How much a tenant may have; 0: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub(crate) struct TenantLimits {
    #[diesel(sql_type = BigInt)]
    pub(crate) max_contacts: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) max_mailing_groups: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) max_segments: i64,
    #[diesel(embed)]
    pub(crate) rates: TenantRates,
}

/// What each server grants a tenant at a time; 0: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, QueryableByName)]
pub(crate) struct TenantRates {
    #[diesel(sql_type = BigInt)]
    pub(crate) max_streams: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) max_calls_per_second: i64,
}

/// The rates of a tenant, by its name.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct RatedTenant {
    #[diesel(sql_type = Text)]
    pub(crate) name: TenantName,
    #[diesel(embed)]
    pub(crate) rates: TenantRates,
}

impl Tenant {
    /// Changes with the limits, and with another tenant of the same name.
    pub(crate) fn etag(&self) -> String {
        let created = self.create_time.timestamp_micros();
        let limits = self.limits;
        let limits = [
            limits.max_contacts,
            limits.max_mailing_groups,
            limits.max_segments,
            limits.rates.max_streams,
            limits.rates.max_calls_per_second,
        ];
        let limits = limits.map(|limit| limit.to_string()).join("-");
        format!("W/\"t{created:x}-{limits}\"")
    }
}
