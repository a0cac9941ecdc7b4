//! Expressions of a selection: their text and their meaning.

use mailing_groups::pb::ContactKind;
use rand::{RngExt, rngs::StdRng};

use super::{
    calls,
    state::{Reasons, Set, State, both},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr {
    Group(String),
    Segment(String),
    Kind(ContactKind),
    Everyone,
    Not(Box<Self>),
    And(Box<(Self, Self)>),
    Or(Box<(Self, Self)>),
}

impl Expr {
    pub(super) fn random(rng: &mut StdRng, depth: u32) -> Self {
        let inner = |rng: &mut StdRng| Self::random(rng, depth - 1);
        match rng.random_range(0..if depth == 0 { 8 } else { 14 }) {
            0..5 => Self::Group(calls::code(rng)),
            5 => Self::Segment(calls::segment(rng)),
            6 => Self::Kind(ContactKind::Person),
            7 => Self::Everyone,
            8 => Self::Not(Box::new(inner(rng))),
            9..11 => Self::And(Box::new((inner(rng), inner(rng)))),
            _ => Self::Or(Box::new((inner(rng), inner(rng)))),
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Group(code) => code.clone(),
            Self::Segment(id) => format!("segment(\"{id}\")"),
            Self::Kind(kind) => format!("kind = {}", &kind.as_str_name()["CONTACT_KIND_".len()..]),
            Self::Everyone => "*".to_owned(),
            Self::Not(inner) => format!("NOT ({})", inner.text()),
            Self::And(both) => format!("({}) AND ({})", both.0.text(), both.1.text()),
            Self::Or(both) => format!("({}) OR ({})", both.0.text(), both.1.text()),
        }
    }

    pub(super) fn evaluate(&self, state: &State) -> Result<Set, Reasons> {
        let everyone = || state.contacts.keys().copied();
        match self {
            Self::Group(code) => Ok(state.members_of(state.group(code)?)),
            Self::Segment(id) => Ok(state.resolved(&state.segment(id)?.stored)),
            Self::Kind(kind) => {
                let of_kind = everyone().filter(|it| state.contacts[it].kind == *kind);
                Ok(of_kind.collect())
            }
            Self::Everyone => Ok(everyone().collect()),
            Self::Not(inner) => Ok(&everyone().collect::<Set>() - &inner.evaluate(state)?),
            Self::And(pair) => {
                let sets = both(pair.0.evaluate(state), pair.1.evaluate(state))?;
                Ok(&sets.0 & &sets.1)
            }
            Self::Or(pair) => {
                let sets = both(pair.0.evaluate(state), pair.1.evaluate(state))?;
                Ok(&sets.0 | &sets.1)
            }
        }
    }
}
