//! Sets of contacts, and how a selection is narrowed.

use roaring::RoaringBitmap;

use super::Revision;

/// A set of contacts of one tenant, by their numbers.
pub(crate) type ContactSet = RoaringBitmap;

/// How a selection treats companies and those who are to be left out. Applied in this order:
/// match, expand, related, then drop the excluded and the blocked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SelectionOptions {
    /// Each match is replaced by its company and all that company's people.
    pub(crate) expand_companies: bool,
    /// The companies of matched persons are selected as well.
    pub(crate) include_related_companies: bool,
    /// Keep contacts that are to be left out of segments.
    pub(crate) include_excluded: bool,
    /// Keeps privacy-blocked contacts.
    pub(crate) include_privacy_blocked: bool,
}

impl SelectionOptions {
    /// Only the matches: no contact is dropped or added.
    pub(crate) fn everybody() -> Self {
        Self {
            include_excluded: true,
            include_privacy_blocked: true,
            ..Self::default()
        }
    }
}

/// How many contacts a selection holds and how many it left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SegmentCounts {
    /// Contacts selected.
    pub(crate) members: u64,
    /// Companies among them.
    pub(crate) companies: u64,
    /// Matches dropped because they are to be left out of segments.
    pub(crate) excluded: u64,
    /// Matches dropped because they are privacy-blocked; a contact with both marks counts here only.
    pub(crate) privacy_blocked: u64,
    /// The revision at which all of this is true.
    pub(crate) revision: Revision,
}

impl SegmentCounts {
    /// Persons among the selected.
    pub(crate) fn persons(&self) -> u64 {
        self.members - self.companies
    }
}
