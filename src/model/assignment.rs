//! Pairs of a contact and a group to assign or unassign, and what becomes of them.

use serde::{Deserialize, Serialize};

use super::{Code, ContactId};

/// A contact and a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// The contact.
    pub contact_id: ContactId,
    /// The group.
    pub code: Code,
}

/// What became of one assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was made, or taken away.
    Changed,
    /// It was already so.
    Unchanged,
    /// There is no such contact.
    UnknownContact,
    /// There is no such group.
    UnknownGroup,
}
