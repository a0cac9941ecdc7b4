//! The smallest parts of a mapping: columns, values, and names and codes of groups.

use std::borrow::Borrow;

use serde::Deserialize;

use super::names;
use crate::{
    client::terminal::excerpt,
    model::{Code, InvalidValue},
};

/// The name of a group, as its description is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct GroupName(pub(super) String);

impl TryFrom<String> for GroupName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, &'static str> {
        let name = names::description(&name);
        match name.is_empty() {
            true => Err("the name of a group is not empty"),
            false => Ok(Self(name)),
        }
    }
}

impl Borrow<str> for GroupName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The code that a mapping gives a group.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct MappedCode(pub(super) Code);

impl TryFrom<String> for MappedCode {
    type Error = String;

    fn try_from(code: String) -> Result<Self, String> {
        let parsed = code.parse().map(Self);
        parsed.map_err(|invalid: InvalidValue| format!("the code `{}` {invalid}", excerpt(&code)))
    }
}

/// A column, by the spellings of its name; the first that the file has counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Spellings")]
pub(super) struct MappedColumn(pub(super) Vec<String>);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected the name of a column, or a list of its spellings"
)]
enum Spellings {
    One(String),
    Many(Vec<String>),
}

impl TryFrom<Spellings> for MappedColumn {
    type Error = &'static str;

    fn try_from(spellings: Spellings) -> Result<Self, &'static str> {
        let names = match spellings {
            Spellings::One(name) => vec![name],
            Spellings::Many(names) => names,
        };
        let is_named = !names.is_empty() && names.iter().all(|it| !it.trim().is_empty());
        match is_named {
            true => Ok(Self(names)),
            false => Err("the name of a column is not empty"),
        }
    }
}

impl MappedColumn {
    /// For messages.
    pub(super) fn shown(&self) -> String {
        let names: Vec<_> = self
            .0
            .iter()
            .map(|it| format!("`{}`", excerpt(it)))
            .collect();
        names.join(" or ")
    }

    /// Whether a file may have one column that is both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let folded = |it: &String| names::folded(it);
        let others: Vec<_> = other.0.iter().map(folded).collect();
        self.0.iter().any(|it| others.contains(&folded(it)))
    }
}

/// Values of a column, of which there is at least one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(super) struct MappedValues(pub(super) Vec<String>);

impl TryFrom<Vec<String>> for MappedValues {
    type Error = &'static str;

    fn try_from(values: Vec<String>) -> Result<Self, &'static str> {
        match values.is_empty() {
            true => Err("the list has at least one value"),
            false => Ok(Self(values)),
        }
    }
}

impl MappedValues {
    /// Whether a value is one of these, in upper or lower case.
    pub(super) fn has(&self, value: &str) -> bool {
        fn folded(text: &str) -> impl Iterator<Item = char> {
            text.trim().chars().flat_map(char::to_lowercase)
        }
        self.0.iter().any(|it| folded(it).eq(folded(value)))
    }

    /// A value that is among others too.
    pub(super) fn shared<'a>(&'a self, other: &Self) -> Option<&'a String> {
        self.0.iter().find(|it| other.has(it))
    }
}
