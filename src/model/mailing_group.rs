//! A named group of contacts that are to receive the same information.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Code, Description, Revision, Time};
use crate::schema::mailing_groups;

/// A mailing group as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, HasQuery, QueryableByName)]
#[diesel(table_name = mailing_groups)]
pub struct MailingGroup {
    /// The group's number within its tenant; it outlives a rename.
    pub(crate) group_id: i32,
    /// The code, unique in the tenant.
    pub(crate) code: Code,
    /// What the group is for.
    pub(crate) description: Description,
    /// How many companies have the group.
    pub(crate) company_count: i64,
    /// How many persons have the group.
    pub(crate) person_count: i64,
    /// The revision at which code or description last changed.
    pub(crate) revision: Revision,
    /// When the group was created.
    pub(crate) create_time: Time,
    /// When code or description last changed.
    pub(crate) update_time: Time,
}

impl MailingGroup {
    /// How many contacts have the group.
    pub(crate) fn contact_count(&self) -> i64 {
        self.company_count + self.person_count
    }

    /// Changes whenever code or description do.
    pub(crate) fn etag(&self) -> String {
        super::page::etag(self.revision)
    }
}

/// A mailing group to be.
#[derive(Debug, Clone)]
pub(crate) struct NewMailingGroup {
    /// The code.
    pub(crate) code: Code,
    /// What the group is for.
    pub(crate) description: Description,
}
