//! One contact has one group.

use super::{Code, ContactId, Revision, Time};

/// A membership as stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Membership {
    /// The contact.
    pub(crate) contact_id: ContactId,
    /// The group.
    pub(crate) code: Code,
    /// The revision at which it was assigned.
    pub(crate) revision: Revision,
    /// When it was assigned.
    pub(crate) create_time: Time,
}
