//! The entries of the change log.

use super::{ChangeKind, Code, ContactId, CriteriaCode, SegmentId};

/// One entry of the change log.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    GroupCreated(i32, Code),
    /// The new code, then the former one.
    GroupRenamed(i32, Code, Code),
    GroupUpdated(i32, Code),
    ContactsCreated(Vec<i32>),
    ContactsUpdated(Vec<i32>),
    MembersAdded(i32, Code, Vec<i32>),
    MembersRemoved(i32, Code, Vec<i32>),
    ContactsDeleted(Vec<i32>, Vec<ContactId>),
    GroupDeleted(i32, Code),
    SegmentCreated(i32, SegmentId),
    /// A segment's members, history or description changed.
    SegmentUpdated(i32, SegmentId),
    SegmentDeleted(i32, SegmentId),
    CriteriaSaved(i32, CriteriaCode),
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
