//! Why a selection cannot be evaluated, and to which part of the request that applies.

use crate::{
    domain::{Error, Resource},
    model::{
        ContactId, SegmentId,
        expression::{Operand, Pattern},
    },
};

/// How many mailing groups the wildcards of one expression may match, each wildcard counted once.
pub(super) const MAX_MATCHED_GROUPS: usize = 100_000;

/// A selection that cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct SelectionError {
    pub(crate) part: SelectionPart,
    pub(crate) fault: SelectionFault,
}

/// The part of a request that selects contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SelectionPart {
    /// The only selection of the request.
    Selection,
    /// The expression of an action.
    Action,
    /// The first set of a comparison.
    Before,
    /// The second set of a comparison.
    After,
    /// An action of saved criteria, counted from 0.
    SavedAction(i32),
}

/// What is wrong with a selection. Positions are those of operands in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectionFault {
    #[error("no {resource} {name}{}", resource.moved(.current.as_deref()))]
    UnknownOperand {
        resource: Resource,
        name: String,
        /// The name to use instead, if this is a former one.
        current: Option<String>,
        position: usize,
    },
    #[error("at position {position}: contact {id} is not a company")]
    NotACompany { id: ContactId, position: usize },
    #[error(
        "at position {position}: with {pattern} the wildcards of the expression match more than {MAX_MATCHED_GROUPS} mailing groups; write a wildcard that matches fewer"
    )]
    TooManyGroups { pattern: Pattern, position: usize },
    #[error("no segment {0}")]
    UnknownSegment(SegmentId),
}

impl Error {
    pub(super) fn unknown_operand(resource: Resource, name: &str, operand: &Operand) -> Self {
        SelectionFault::UnknownOperand {
            resource,
            name: name.to_owned(),
            current: None,
            position: operand.position,
        }
        .into()
    }

    /// Attributes an error to an operand, if it says that what the operand names does not exist.
    pub(super) fn at_operand(self, operand: &Operand) -> Self {
        match self {
            Self::NotFound {
                resource,
                name,
                current,
            } => SelectionFault::UnknownOperand {
                resource,
                name,
                current,
                position: operand.position,
            }
            .into(),
            other => other,
        }
    }

    /// Attributes an error of a selection to a part of the request.
    pub(super) fn in_part(mut self, part: SelectionPart) -> Self {
        if let Self::Selection(error) = &mut self {
            error.part = part;
        }
        self
    }
}

impl From<SelectionFault> for Error {
    fn from(fault: SelectionFault) -> Self {
        Self::Selection(SelectionError {
            part: SelectionPart::Selection,
            fault,
        })
    }
}
