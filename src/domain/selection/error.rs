//! Why a selection cannot be evaluated, and to which part of the request that applies.

use crate::{
    domain::{Error, Resource},
    model::{Code, ContactId, SegmentId, expression::Operand},
};

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
    Request,
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
    #[error("no {resource} {name}{}", renamed(.renamed_to.as_ref()))]
    UnknownOperand {
        resource: Resource,
        name: String,
        /// The present code of a renamed group.
        renamed_to: Option<Code>,
        position: usize,
    },
    #[error("at position {position}: contact {id} is not a company")]
    NotACompany { id: ContactId, position: usize },
    #[error("no segment {0}")]
    UnknownSegment(SegmentId),
}

impl Error {
    pub(super) fn unknown_operand(resource: Resource, name: &str, operand: &Operand) -> Self {
        SelectionFault::UnknownOperand {
            resource,
            name: name.to_owned(),
            renamed_to: None,
            position: operand.position,
        }
        .into()
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
            part: SelectionPart::Request,
            fault,
        })
    }
}

fn renamed(code: Option<&Code>) -> String {
    code.map(|code| format!("; it is {code} now"))
        .unwrap_or_default()
}
