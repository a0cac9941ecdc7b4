//! What an expression is once it has been read.

use super::{AttributeTest, Pattern};
use crate::model::{Code, ContactId, ContactKind, Email, SegmentId};

/// A part of an expression.
///
/// In an [`Expression`](super::Expression) chains are flat: no `All` lies directly in an `All`,
/// no `Any` in an `Any`, and both have two parts or more. Its depth is bounded by
/// [`MAX_DEPTH`](super::MAX_DEPTH), so that it may be walked by recursion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// What one operand selects.
    Operand(Operand),
    /// Every contact that the part does not select.
    Not(Box<Self>),
    /// The contacts that all parts select.
    All(Vec<Self>),
    /// The contacts that at least one part selects.
    Any(Vec<Self>),
}

/// One operand, with its place in the text so that messages can point at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// What it selects.
    pub term: Term,
    /// Where it begins: characters (Unicode scalar values) from the start of the text, from 1.
    pub(crate) position: usize,
    /// The operand as its author wrote it.
    pub(crate) text: String,
}

/// What an operand selects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// The members of the group with this code.
    Code(Code),
    /// The members of every group whose code matches.
    Pattern(Pattern),
    /// Every contact.
    Everyone,
    /// The contacts of one kind.
    Kind(ContactKind),
    /// The company with this contact id, and its people.
    Company(ContactId),
    /// The contacts with this e-mail address, in any case.
    Email(Email),
    /// The contacts of the stored segment with this id.
    Segment(SegmentId),
    /// The contacts whose attribute has one of these values.
    Attribute(AttributeTest),
}

impl Operand {
    /// How many sets it is made of; of a pattern of codes, one.
    pub(crate) fn set_count(&self) -> usize {
        match &self.term {
            Term::Attribute(test) => test.values.len(),
            Term::Code(_)
            | Term::Pattern(_)
            | Term::Everyone
            | Term::Kind(_)
            | Term::Company(_)
            | Term::Email(_)
            | Term::Segment(_) => 1,
        }
    }
}

impl Node {
    /// The operands from left to right, repetitions included.
    pub(crate) fn operands(&self) -> impl Iterator<Item = &Operand> {
        let mut ahead = vec![self];
        std::iter::from_fn(move || {
            loop {
                match ahead.pop()? {
                    Self::Operand(operand) => return Some(operand),
                    Self::Not(part) => ahead.push(part),
                    Self::All(parts) | Self::Any(parts) => ahead.extend(parts.iter().rev()),
                }
            }
        })
    }

    /// Whether what the part selects is known only once it is known who everyone is.
    pub(super) fn is_complement(&self) -> bool {
        match self {
            Self::Operand(operand) => operand.term == Term::Everyone,
            Self::Not(part) => !part.is_complement(),
            Self::All(parts) => parts.iter().all(Self::is_complement),
            Self::Any(parts) => parts.iter().any(Self::is_complement),
        }
    }

    /// Joins parts by `AND`, taking the parts of a part that is such a chain itself.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        join(parts, Self::All, |part| match part {
            Self::All(inner) => Ok(inner),
            other => Err(other),
        })
    }

    /// Joins parts by `OR`, taking the parts of a part that is such a chain itself.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        join(parts, Self::Any, |part| match part {
            Self::Any(inner) => Ok(inner),
            other => Err(other),
        })
    }
}

/// One part stands for itself; several become a chain without chains of its own kind in it.
fn join(
    mut parts: Vec<Node>,
    chain: fn(Vec<Node>) -> Node,
    unchain: fn(Node) -> Result<Vec<Node>, Node>,
) -> Node {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match unchain(part) {
            Ok(inner) => flat.extend(inner),
            Err(other) => flat.push(other),
        }
    }
    chain(flat)
}
