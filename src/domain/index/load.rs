//! Reading a leaf from the database.

use std::sync::Arc;

use diesel_async::AsyncPgConnection;

use super::{Companies, Entry, Key, Leaf};
use crate::{
    domain::Result,
    model::TenantId,
    store::{segments, sets},
};

impl Entry {
    /// Reads a leaf.
    pub(in crate::domain) async fn load(
        conn: &mut AsyncPgConnection,
        tenant_id: TenantId,
        key: &Key,
    ) -> Result<Self> {
        Ok(match key {
            Key::Groups => {
                let (revision, groups) = sets::group_codes(conn, tenant_id).await?;
                Self {
                    revision,
                    leaf: Leaf::Groups(Arc::new(groups.into_iter().collect())),
                }
            }
            Key::Members(group) => Self::set(sets::members(conn, tenant_id, *group).await?),
            Key::Everyone => Self::set(sets::everyone(conn, tenant_id).await?),
            Key::Companies => Self::set(sets::companies(conn, tenant_id).await?),
            Key::Excluded => Self::set(sets::excluded(conn, tenant_id).await?),
            Key::PrivacyBlocked => Self::set(sets::privacy_blocked(conn, tenant_id).await?),
            Key::CompanyOf => {
                let (revision, pairs) = sets::company_of(conn, tenant_id).await?;
                let mut companies = Companies::default();
                for (contact, company) in pairs {
                    companies.set(contact.cast_unsigned(), company.cast_unsigned());
                }
                Self {
                    revision,
                    leaf: Leaf::Companies(Arc::new(companies)),
                }
            }
            Key::Segment(id) => {
                let (revision, members) = segments::members(conn, tenant_id, id).await?;
                let leaf = members.map_or(Leaf::Nothing, |set| Leaf::Set(Arc::new(set)));
                Self { revision, leaf }
            }
        })
    }
}
