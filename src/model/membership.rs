//! One contact has one group.

use super::{Code, ContactId, Revision, Time};

/// A membership as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Membership {
    /// The contact.
    pub contact_id: ContactId,
    /// The group.
    pub code: Code,
    /// The revision at which it was assigned.
    pub revision: Revision,
    /// When it was assigned.
    pub create_time: Time,
}
