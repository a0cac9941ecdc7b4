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
    pub group_id: i32,
    /// The code, unique in the tenant.
    pub code: Code,
    /// What the group is for.
    pub description: Description,
    /// How many companies have the group.
    pub company_count: i64,
    /// How many persons have the group.
    pub person_count: i64,
    /// The revision at which code or description last changed.
    pub revision: Revision,
    /// When the group was created.
    pub create_time: Time,
    /// When code or description last changed.
    pub update_time: Time,
}

impl MailingGroup {
    /// How many contacts have the group.
    pub fn contact_count(&self) -> i64 {
        self.company_count + self.person_count
    }

    /// Changes whenever code or description do.
    pub fn etag(&self) -> String {
        super::page::etag(self.revision)
    }
}

/// A mailing group to be.
#[derive(Debug, Clone)]
pub struct NewMailingGroup {
    /// The code.
    pub code: Code,
    /// What the group is for.
    pub description: Description,
}
