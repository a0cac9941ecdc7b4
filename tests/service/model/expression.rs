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
    Attribute(&'static str, Vec<String>),
    Has(&'static str),
    Not(Box<Self>),
    And(Box<(Self, Self)>),
    Or(Box<(Self, Self)>),
}

impl Expr {
    pub(super) fn random(rng: &mut StdRng, depth: u32) -> Self {
        let inner = |rng: &mut StdRng| Self::random(rng, depth - 1);
        match rng.random_range(0..if depth == 0 { 11 } else { 17 }) {
            0..5 => Self::Group(calls::code(rng)),
            5 => Self::Segment(calls::segment(rng)),
            6 => Self::Kind(ContactKind::Person),
            7 => Self::Everyone,
            8 | 9 => {
                let key = calls::KEYS[rng.random_range(0..3)];
                let values = (0..rng.random_range(1..3)).map(|_| calls::value(rng));
                Self::Attribute(key, values.collect())
            }
            10 => Self::Has(calls::KEYS[rng.random_range(0..3)]),
            11 => Self::Not(Box::new(inner(rng))),
            12..14 => Self::And(Box::new((inner(rng), inner(rng)))),
            _ => Self::Or(Box::new((inner(rng), inner(rng)))),
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Group(code) => code.clone(),
            Self::Segment(id) => format!("segment(\"{id}\")"),
            Self::Kind(kind) => format!("kind = {}", &kind.as_str_name()["CONTACT_KIND_".len()..]),
            Self::Everyone => "*".to_owned(),
            // A* matches A and AB.
            Self::Attribute(key, values) if *values == ["A", "AB"] => format!("{key} = A*"),
            Self::Attribute(key, values) => format!("{key} IN ({})", values.join(", ")),
            Self::Has(key) => format!("has {key}"),
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
            Self::Attribute(key, values) => {
                let value = |it: &u32| state.contacts[it].attributes.get(*key);
                let is_one = |it: &u32| value(it).is_some_and(|value| values.contains(value));
                Ok(everyone().filter(is_one).collect())
            }
            Self::Has(key) => {
                let has = |it: &u32| state.contacts[it].attributes.contains_key(*key);
                Ok(everyone().filter(has).collect())
            }
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
