//! Mailing groups.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Code, Description, Revision, Time};
use crate::schema::mailing_groups;

/// A mailing group as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, HasQuery, QueryableByName)]
#[diesel(table_name = mailing_groups)]
pub struct MailingGroup {
    /// The group's number within its tenant; a rename does not change it.
    pub(crate) group_id: i32,
    /// The code, unique in the tenant.
    pub(crate) code: Code,
    /// What the group is for.
    pub(crate) description: Description,
    /// The number of companies with the group.
    pub(crate) company_count: i64,
    /// The number of persons with the group.
    pub(crate) person_count: i64,
    /// The revision at which code or description last changed.
    pub(crate) revision: Revision,
    /// When the group was created.
    pub(crate) create_time: Time,
    /// When code or description last changed.
    pub(crate) update_time: Time,
}

impl MailingGroup {
    /// The number of contacts with the group.
    pub(crate) fn contact_count(&self) -> i64 {
        self.company_count + self.person_count
    }

    /// Changes with the code and the description, not with the counts: so it is weak.
    pub(crate) fn etag(&self) -> String {
        super::page::weak_etag(self.revision, self.update_time)
    }
}

/// A mailing group to create.
#[derive(Debug, Clone)]
pub(crate) struct NewMailingGroup {
    /// The code.
    pub(crate) code: Code,
    /// What the group is for.
    pub(crate) description: Description,
}
