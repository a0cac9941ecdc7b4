//! The entries of the change log.

use super::{ChangeKind, Code, ContactId, CriteriaCode, SegmentId};

/// One entry of the change log.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A group was defined.
    GroupCreated(i32, Code),
    /// A group has another code: the new one, then the former one.
    GroupRenamed(i32, Code, Code),
    /// A group's description changed.
    GroupUpdated(i32, Code),
    /// Contacts were created.
    ContactsCreated(Vec<i32>),
    /// Details of contacts changed.
    ContactsUpdated(Vec<i32>),
    /// Contacts have a group.
    MembersAdded(i32, Code, Vec<i32>),
    /// Contacts no longer have a group.
    MembersRemoved(i32, Code, Vec<i32>),
    /// A contact is gone.
    ContactsDeleted(Vec<i32>, Vec<ContactId>),
    /// A group is gone.
    GroupDeleted(i32, Code),
    /// A segment was created.
    SegmentCreated(i32, SegmentId),
    /// A segment's members, history or description changed.
    SegmentUpdated(i32, SegmentId),
    /// A segment is gone.
    SegmentDeleted(i32, SegmentId),
    /// Criteria were saved.
    CriteriaSaved(i32, CriteriaCode),
    /// Saved criteria are gone.
    CriteriaDeleted(i32, CriteriaCode),
}

impl Change {
    /// The kind of the entry.
    pub(crate) fn kind(&self) -> ChangeKind {
        match self {
            Self::GroupCreated(..) => ChangeKind::GroupCreated,
            Self::GroupRenamed(..) => ChangeKind::GroupRenamed,
            Self::GroupUpdated(..) => ChangeKind::GroupUpdated,
            Self::ContactsCreated(..) => ChangeKind::ContactsCreated,
            Self::ContactsUpdated(..) => ChangeKind::ContactsUpdated,
            Self::MembersAdded(..) => ChangeKind::MembersAdded,
            Self::MembersRemoved(..) => ChangeKind::MembersRemoved,
            Self::ContactsDeleted(..) => ChangeKind::ContactsDeleted,
            Self::GroupDeleted(..) => ChangeKind::GroupDeleted,
            Self::SegmentCreated(..) => ChangeKind::SegmentCreated,
            Self::SegmentUpdated(..) => ChangeKind::SegmentUpdated,
            Self::SegmentDeleted(..) => ChangeKind::SegmentDeleted,
            Self::CriteriaSaved(..) => ChangeKind::CriteriaSaved,
            Self::CriteriaDeleted(..) => ChangeKind::CriteriaDeleted,
        }
    }
}
