//! Loads a set from the database.

use std::sync::Arc;

use super::{CacheEntry, CachedSet, Companies, SetKey};
use crate::{
    domain::Result,
    model::TenantId,
    store::{Connection, segments, sets},
};

impl CacheEntry {
    pub(in crate::domain) async fn load(
        conn: &mut Connection,
        tenant_id: TenantId,
        key: &SetKey,
    ) -> Result<Self> {
        Ok(match key {
            SetKey::Groups => {
                let (commit, groups) = sets::group_codes(conn, tenant_id).await?;
                Self {
                    commit,
                    set: CachedSet::Groups(Arc::new(groups.into_iter().collect())),
                }
            }
            SetKey::Members(group) => Self::set(sets::members(conn, tenant_id, *group).await?),
            SetKey::Everyone => Self::set(sets::everyone(conn, tenant_id).await?),
            SetKey::Companies => Self::set(sets::companies(conn, tenant_id).await?),
            SetKey::Excluded => Self::set(sets::excluded(conn, tenant_id).await?),
            SetKey::PrivacyBlocked => Self::set(sets::privacy_blocked(conn, tenant_id).await?),
            SetKey::Email(email) => Self::set(sets::with_email(conn, tenant_id, email).await?),
            SetKey::Attribute(key, value) => {
                Self::set(sets::with_attribute(conn, tenant_id, key, value).await?)
            }
            SetKey::OfCompany(number) => {
                let number = number.cast_signed();
                let (commit, mut sets) =
                    sets::contacts_of_companies(conn, tenant_id, &[number]).await?;
                Self::set((commit, sets.remove(&number).unwrap_or_default()))
            }
            SetKey::CompanyOf => {
                let (commit, pairs) = sets::company_of(conn, tenant_id).await?;
                let mut companies = Companies::default();
                for (contact, company) in pairs {
                    companies.set(contact.cast_unsigned(), company.cast_unsigned());
                }
                Self {
                    commit,
                    set: CachedSet::Companies(Arc::new(companies)),
                }
            }
            SetKey::Segment(id) => {
                let (commit, members) = segments::members(conn, tenant_id, id).await?;
                let set = members.map_or(CachedSet::Nothing, |set| CachedSet::Set(Arc::new(set)));
                Self { commit, set }
            }
        })
    }
}
