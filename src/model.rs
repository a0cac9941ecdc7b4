//! Values and entities; no async, no database access.

pub(crate) mod change;
mod commit;
pub(crate) mod contact;
pub mod expression;
mod group_order;
mod grpc_code;
pub(crate) mod kinds;
mod limits;
pub(crate) mod mailing_group;
pub(crate) mod memberships;
pub(crate) mod page;
mod principal;
pub(crate) mod search;
pub(crate) mod segment;
pub(crate) mod selection;
mod tenant;
pub(crate) mod value;

pub(crate) use change::Change;
pub use commit::Commit;
pub(crate) use contact::ContactRow;
pub use contact::{Contact, ContactChange, ContactDetails, CountedText, NewContact};
pub use expression::Expression;
pub use group_order::{GroupOrder, GroupPosition, GroupSortKey};
pub(crate) use grpc_code::grpc_code_name;
pub use kinds::ContactKind;
pub(crate) use kinds::{
    ActionKind, AffectedSets, ChangeKind, ChangeTopic, ContactsChange, ImportKind,
};
pub(crate) use limits::MAX_BATCH_ITEMS;
pub(crate) use mailing_group::{MailingGroup, NewMailingGroup};
pub use memberships::Assignment;
pub(crate) use memberships::{AssignmentOutcome, Direction, FormerName, Membership};
pub use page::PageSize;
pub use principal::{AccessLevel, Principal};
pub(crate) use principal::{GrantedTenants, PrincipalKind};
pub(crate) use segment::{
    CountedSegment, Criterion, MAX_UNDOABLE_ACTIONS, SavedCriteria, Segment, SegmentAction,
    Selector,
};
pub(crate) use selection::{ContactSet, SegmentCounts, SelectionOptions};
pub(crate) use tenant::{RatedTenant, Tenant, TenantCounts, TenantLimits, TenantRates};
pub use value::{
    AttributeKey, AttributeValue, Attributes, Code, ContactId, Email, InvalidValue, Name, RequestId,
};
pub(crate) use value::{AttributesChange, CriteriaCode, Description, SegmentId, TenantName};

/// The tenant's number in every key. Zero is not used: a tenant that has never written reads as
/// empty.
pub type TenantId = i32;

/// A number per tenant that grows by one with every committed change of that tenant.
pub(crate) type Revision = i64;

/// A time with PostgreSQL's precision: microseconds, UTC.
pub(crate) type Time = chrono::DateTime<chrono::Utc>;
