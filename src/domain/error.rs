//! The error of operations, independent of gRPC and SQL.

mod causes;
mod from;
mod items;

use std::fmt::Display;

pub(crate) use self::causes::{
    BrokenRule, ImportDifference, Precondition, Resource, UnknownContact, Violation,
};
use super::{selection::SelectionError, watch::InvalidStart};
use crate::{
    model::{Code, ContactId, RequestId, Revision},
    store::{self, NoNumber, QueryError, SqlState, Unavailable},
};

/// The outcome of an operation.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed. The text is for the caller; causes are for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks a rule.
    #[error("{}", join(.0))]
    Invalid(Vec<Violation>),
    /// There is no such thing.
    #[error("no {resource} {name}{}", resource.moved(.current.as_deref()))]
    NotFound {
        /// What kind of thing.
        resource: Resource,
        /// The requested name.
        name: String,
        /// The name to use instead, if this is a former one.
        current: Option<String>,
    },
    /// What a repeated request made or changed was deleted since.
    #[error("the {0} of this request was deleted since")]
    DeletedSince(Resource),
    /// A value of the request breaks a rule that takes more than the value to check.
    #[error("{0}")]
    BrokenRule(BrokenRule),
    /// A selection cannot be evaluated.
    #[error(transparent)]
    Selection(SelectionError),
    /// A watch cannot start where the request says.
    #[error(transparent)]
    InvalidStart(InvalidStart),
    /// Some of many contacts do not exist.
    #[error("{}{}", .0[0].error(), more(.0.len()))]
    UnknownContacts(Vec<UnknownContact>),
    /// The name is taken.
    #[error("{resource} {name} exists already")]
    AlreadyExists {
        /// What kind of thing.
        resource: Resource,
        /// The name.
        name: String,
    },
    /// The name is a former one of something else.
    #[error("{}", .resource.former_name_reason(.name, .current))]
    FormerName {
        /// What kind of thing.
        resource: Resource,
        /// The name.
        name: String,
        /// The present name of what had it.
        current: String,
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
    /// Another stream continued this import.
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
    NumbersExhausted(Resource),
    /// The tenant has as many of these as it may have.
    #[error(
        "the tenant has {max} {resource}s and may not have more; raise its limit or delete some"
    )]
    LimitReached {
        /// What kind of thing.
        resource: Resource,
        /// How many it may have.
        max: i64,
    },
    /// Commits that the request builds on were lost, and others have their revision numbers.
    #[error("the history that this builds on was replaced; start again from the beginning")]
    HistoryReplaced,
    /// The database became unavailable during the commit, and stayed so until the deadline.
    #[error(
        "it is unknown whether the change was committed: the database became unavailable during the commit"
    )]
    CommitOutcomeUnknown {
        /// Whether the same call may be repeated without an effect on a committed change.
        repeatable: bool,
    },
    /// The database is away or busy; trying again may help.
    #[error("the database is not available")]
    Unavailable(#[source] Source),
    /// The database has no space left for what is to be written. Reads are not concerned.
    #[error("the database has no disk space left")]
    DatabaseFull(#[source] Source),
    /// A tenant's data changes faster than it can be read; a later retry helps.
    #[error("the tenant's data changes faster than it can be read; try again")]
    Contended,
    /// Too many concurrent calls; a later retry helps.
    #[error("too many calls at a time")]
    Overloaded,
    /// The server ends while the call's work is under way.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// A broken invariant, or a fault of the program.
    #[error("internal error")]
    Internal(#[source] Source),
}

/// A cause, for the log.
type Source = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    /// One bad field.
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Display) -> Self {
        Self::Invalid(vec![Violation {
            field: field.into(),
            reason: reason.to_string(),
        }])
    }

    /// No such contact; perhaps it was merged into another.
    pub(super) fn no_contact(id: &ContactId, merged_into: Option<String>) -> Self {
        Self::NotFound {
            resource: Resource::Contact,
            name: id.to_string(),
            current: merged_into,
        }
    }

    /// No such thing.
    pub(super) fn not_found(resource: Resource, name: impl Display) -> Self {
        Self::NotFound {
            resource,
            name: name.to_string(),
            current: None,
        }
    }

    /// No such group; perhaps it has another code now.
    pub(super) fn no_group(code: &Code, renamed_to: Option<String>) -> Self {
        Self::NotFound {
            resource: Resource::MailingGroup,
            name: code.to_string(),
            current: renamed_to,
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
    ) -> impl FnOnce(QueryError) -> Self {
        move |error| match store::is_unique_violation(&error) {
            true => Self::AlreadyExists {
                resource,
                name: name.to_string(),
            },
            false => error.into(),
        }
    }

    /// Why there is no number for one more.
    pub(super) fn no_number(resource: Resource) -> impl FnOnce(NoNumber) -> Self {
        move |error| match error {
            NoNumber::Exhausted => Self::NumbersExhausted(resource),
            NoNumber::LimitReached(max) => Self::LimitReached { resource, max },
        }
    }

    /// The error in the light of the SQLSTATE that the database reported last on this connection: the
    /// query error itself does not carry it.
    pub(super) fn classified(self, sqlstate: &SqlState) -> Self {
        match self {
            Self::Internal(cause) if cause.is::<QueryError>() && sqlstate.is_transient() => {
                Self::Unavailable(cause)
            }
            Self::Internal(cause) if cause.is::<QueryError>() && sqlstate.is_disk_full() => {
                Self::DatabaseFull(cause)
            }
            Self::Internal(cause) if cause.is::<QueryError>() && sqlstate.is_of_data() => {
                Self::in_data(cause)
            }
            error => error,
        }
    }

    /// The same error of a call that may be repeated.
    pub(super) fn repeatable(self) -> Self {
        match self {
            Self::CommitOutcomeUnknown { .. } => Self::CommitOutcomeUnknown { repeatable: true },
            error => error,
        }
    }

    /// Whether a statement was sent whose answer did not arrive.
    pub(super) fn lost_an_answer(&self) -> bool {
        matches!(self, Self::Unavailable(cause) if cause.is::<QueryError>())
    }

    /// Whether no connection to the database could be had.
    pub(super) fn is_unreached(&self) -> bool {
        matches!(self, Self::Unavailable(cause) if cause.is::<Unavailable>())
    }

    /// The same failure of the database, for another caller that it hit too.
    pub(super) fn for_another(&self) -> Self {
        if let Self::CommitOutcomeUnknown { repeatable } = *self {
            return Self::CommitOutcomeUnknown { repeatable };
        }
        if let Self::ShuttingDown = self {
            return Self::ShuttingDown;
        }
        let cause = std::error::Error::source(self).unwrap_or(self);
        let cause = cause.to_string().into();
        match self {
            Self::DatabaseFull(_) => Self::DatabaseFull(cause),
            Self::Internal(_) => Self::Internal(cause),
            _ => Self::Unavailable(cause),
        }
    }

    /// An invariant that does not hold.
    pub(super) fn broken(what: &'static str) -> Self {
        Self::Internal(what.into())
    }
}

fn join(violations: &[Violation]) -> String {
    let texts = violations
        .iter()
        .map(|v| format!("{} {}", v.field, v.reason));
    texts.collect::<Vec<_>>().join("; ")
}

fn more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        _ => format!(", and {} more do not exist", count - 1),
    }
}
