//! What can go wrong, without a word of the wire or of SQL.

use std::fmt::Display;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::segments::MAX_UNDOABLE_ACTIONS;
use crate::{
    model::{Code, ContactId, RequestId, Revision, SegmentId},
    store::Unavailable,
};

/// The outcome of an operation.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation was not done. The text is for the caller; causes are for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the caller sent breaks a rule.
    #[error("{}", join(.0))]
    Invalid(Vec<Violation>),
    /// There is no such thing.
    #[error("no {resource} {name}{}", moved(.renamed_to))]
    NotFound {
        /// What kind of thing.
        resource: Resource,
        /// The name it was asked for by.
        name: String,
        /// The code that a group formerly called so has now.
        renamed_to: Option<Code>,
        /// Where in the request it was named, if that is not plain.
        violation: Option<Violation>,
    },
    /// Some of many contacts do not exist.
    #[error("no contact {}{}", .0[0].1, more(.0.len()))]
    UnknownContacts(Vec<(usize, ContactId)>),
    /// The name is taken.
    #[error("{resource} {name} exists already")]
    AlreadyExists {
        /// What kind of thing.
        resource: Resource,
        /// The name.
        name: String,
    },
    /// The state does not allow it.
    #[error("{0}")]
    Precondition(Precondition),
    /// The etag is not current.
    #[error("{resource} {name} has changed since; read it again")]
    Stale {
        /// What kind of thing.
        resource: Resource,
        /// Its name.
        name: String,
    },
    /// Another stream has continued this import meanwhile.
    #[error("import {0} was continued by another stream; start it again with its import_id")]
    ImportOvertaken(RequestId),
    /// The log no longer reaches back so far.
    #[error("history is kept from revision {oldest} on; start there, or from the beginning")]
    HistoryPruned {
        /// The oldest revision after which all changes are known.
        oldest: Revision,
    },
    /// The tenant cannot have more of these: their numbers are used up.
    #[error("the tenant has used up its numbers for {0}s")]
    Full(Resource),
    /// The database is away or busy; trying again may help.
    #[error("the database is not available")]
    Unavailable(#[source] Source),
    /// Too much is asked at a time; trying again later helps.
    #[error("too many calls at a time")]
    Overloaded,
    /// A broken invariant, or a fault of the program.
    #[error("internal error")]
    Internal(#[source] Source),
}

/// A cause, for the log.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// A field of the request and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field's path as the caller writes it.
    pub(crate) field: String,
    /// What is wrong and what would be right, as the end of a sentence that starts with the
    /// field.
    pub(crate) reason: String,
}

/// Kinds of things that have names; displays as people say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Resource {
    /// A mailing group.
    #[error("mailing group")]
    MailingGroup,
    /// A contact.
    #[error("contact")]
    Contact,
    /// A segment.
    #[error("segment")]
    Segment,
    /// Saved criteria.
    #[error("saved criteria")]
    SavedCriteria,
}

/// States that forbid an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Precondition {
    /// A group to be deleted has members.
    #[error("mailing group {code} is assigned to {count} contacts; unassign them or set force")]
    GroupHasMembers {
        /// The group.
        code: Code,
        /// How many.
        count: i64,
    },
    /// A company to be deleted, or to become a person, has people.
    #[error("company {id} has {count} people")]
    CompanyHasPeople {
        /// The company.
        id: ContactId,
        /// How many.
        count: i64,
    },
    /// A contact to be deleted is on segments.
    #[error("contact {id} is on {count} segments; set force to take it from them")]
    ContactOnSegments {
        /// The contact.
        id: ContactId,
        /// How many.
        count: i64,
        /// The first of them, by id.
        segments: Vec<SegmentId>,
    },
    /// A segment has no action to undo.
    #[error("segment {0} has no action to undo")]
    NothingToUndo(SegmentId),
    /// A segment's last action is too old to be undone.
    #[error(
        "segment {0} cannot go back any further: the latest {MAX_UNDOABLE_ACTIONS} actions can be undone"
    )]
    UndoHistoryEnded(SegmentId),
    /// A segment has no action to save.
    #[error("segment {0} has no actions to save")]
    NoActions(SegmentId),
    /// A company and a person cannot be merged.
    #[error("contacts {kept} and {merged} are of different kinds")]
    DifferentKinds {
        /// The contact to be kept.
        kept: ContactId,
        /// The contact to be merged.
        merged: ContactId,
    },
}

impl Error {
    /// One bad field.
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Display) -> Self {
        Self::Invalid(vec![Violation {
            field: field.into(),
            reason: reason.to_string(),
        }])
    }

    /// No such contact.
    pub(crate) fn no_contact(id: &ContactId) -> Self {
        Self::not_found(Resource::Contact, id)
    }

    /// The same error, about an expression or segment that lies within `path`.
    pub(super) fn within(mut self, path: &str) -> Self {
        match &mut self {
            Self::Invalid(violations) => {
                let violations = violations.iter_mut();
                violations.for_each(|it| it.field.insert_str(0, path));
            }
            Self::NotFound {
                violation: Some(violation),
                ..
            } => violation.field.insert_str(0, path),
            Self::NotFound {
                resource: Resource::Segment,
                name,
                violation,
                ..
            } => {
                *violation = Some(Violation {
                    field: format!("{path}segment_id"),
                    reason: format!("must be an existing segment; there is no segment {name}"),
                });
            }
            _ => {}
        }
        self
    }

    /// No such thing.
    pub(super) fn not_found(resource: Resource, name: impl Display) -> Self {
        Self::NotFound {
            resource,
            name: name.to_string(),
            renamed_to: None,
            violation: None,
        }
    }

    /// No such group; perhaps it has another code now.
    pub(super) fn no_group(code: &Code, renamed_to: Option<Code>) -> Self {
        Self::NotFound {
            resource: Resource::MailingGroup,
            name: code.to_string(),
            renamed_to,
            violation: None,
        }
    }

    /// The etag is not that of `name`.
    pub(super) fn stale(resource: Resource, name: impl Display) -> Self {
        Self::Stale {
            resource,
            name: name.to_string(),
        }
    }

    /// What a failed insert of something with a unique name means.
    pub(super) fn on_insert(
        resource: Resource,
        name: impl Display,
    ) -> impl FnOnce(DieselError) -> Self {
        move |error| match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
                Self::AlreadyExists {
                    resource,
                    name: name.to_string(),
                }
            }
            error => error.into(),
        }
    }

    /// Whether the database could not even be asked.
    pub(super) fn is_unreached(&self) -> bool {
        matches!(self, Self::Unavailable(cause) if cause.is::<Unavailable>())
    }

    /// The same failure of the database, for another caller that it hit too.
    pub(super) fn for_another(&self) -> Self {
        let cause = std::error::Error::source(self).unwrap_or(self);
        Self::Unavailable(cause.to_string().into())
    }

    /// An invariant that does not hold.
    pub(super) fn broken(what: &'static str) -> Self {
        Self::Internal(what.into())
    }
}

impl From<Unavailable> for Error {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        if is_passing(&error) {
            Self::Unavailable(error.into())
        } else {
            Self::Internal(error.into())
        }
    }
}

/// Whether a database error is one that passes: the connection is gone, the server is stopping,
/// starting or read-only, or it gave up a statement that waited or ran too long. Diesel keeps
/// no SQLSTATE, so some are known by the words that PostgreSQL uses with `lc_messages` C or en.
fn is_passing(error: &DieselError) -> bool {
    const WORDS: [&str; 9] = [
        "terminating connection",
        "canceling statement due to",
        "is shutting down",
        "is starting up",
        "is in recovery mode",
        "deadlock detected",
        "remaining connection slots",
        "too many clients",
        "connection closed",
    ];
    match error {
        DieselError::DatabaseError(
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ReadOnlyTransaction,
            _,
        )
        | DieselError::BrokenTransactionManager => true,
        DieselError::DatabaseError(_, info) => {
            WORDS.iter().any(|words| info.message().contains(words))
        }
        _ => false,
    }
}

fn join(violations: &[Violation]) -> String {
    let texts = violations
        .iter()
        .map(|v| format!("{} {}", v.field, v.reason));
    texts.collect::<Vec<_>>().join("; ")
}

fn moved(renamed_to: &Option<Code>) -> String {
    renamed_to
        .as_ref()
        .map(|code| format!("; it is {code} now"))
        .unwrap_or_default()
}

fn more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        _ => format!(", and {} more do not exist", count - 1),
    }
}
