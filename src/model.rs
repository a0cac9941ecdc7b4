//! What things are: values and entities. No async, no pool.

pub mod assignment;
pub mod change;
pub mod contact;
pub mod expression;
pub mod mailing_group;
pub mod membership;
pub mod page;
pub mod segment;
pub mod selection;
pub mod value;

pub use assignment::{Assignment, Outcome};
pub use change::Change;
pub use contact::{Contact, ContactChange, ContactDetails, ContactKind, NewContact};
pub use expression::Expression;
pub use mailing_group::{MailingGroup, NewMailingGroup};
pub use membership::Membership;
pub use page::PageSize;
pub use segment::{
    ActionKind, Chosen, CountedSegment, Criterion, SavedCriteria, Segment, SegmentAction,
};
pub use selection::{ContactSet, SegmentCounts, SelectionOptions};
pub use value::{
    Code, ContactId, CriteriaCode, Description, Email, InvalidValue, Name, RequestId, SegmentId,
    TenantName,
};

/// The tenant's number in every key. Zero belongs to nobody: a tenant that has never written
/// reads as empty.
pub type TenantId = i32;

/// A number per tenant that grows by one with every committed change of that tenant.
pub type Revision = i64;

/// A moment, as PostgreSQL keeps it: microseconds, UTC.
pub type Time = chrono::DateTime<chrono::Utc>;
