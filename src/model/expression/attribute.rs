//! What the attributes of contacts are compared with.

use std::fmt::{self, Display, Formatter};

use super::pattern::{Wildcards, matches, tidy};
use crate::model::{AttributeKey, AttributeValue, InvalidValue};

/// The contacts whose attribute of a key has one of several values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttributeTest {
    /// The key.
    pub key: AttributeKey,
    /// The values, at least one.
    pub values: Vec<ValueMatch>,
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueMatch {
    /// One value, exactly.
    Exact(AttributeValue),
    /// Every value that a pattern matches.
    Like(ValuePattern),
}

/// A value with wildcards: `*` stands for any run of characters, `?` for exactly one.
///
/// Patterns that mean the same by their wildcards are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValuePattern {
    /// With control characters for wildcards, which no value holds.
    text: String,
}

const WILDCARDS: Wildcards = Wildcards {
    run: '\u{1}',
    one: '\u{2}',
};

impl AttributeTest {
    /// The contacts that have a value, whatever it is.
    pub(super) fn any_value(key: AttributeKey) -> Self {
        let text = WILDCARDS.run.to_string();
        Self {
            key,
            values: vec![ValueMatch::Like(ValuePattern { text })],
        }
    }
}

impl ValueMatch {
    /// Reads a value in which `*` and `?` are wildcards, and a backslash before them or before another one
    /// makes them what they are.
    pub(super) fn read(text: &str) -> Result<Self, InvalidValue> {
        let text = AttributeValue::normalize(text);
        if let Some(found) = text.chars().find(|character| character.is_control()) {
            let allowed = "printable characters";
            return Err(InvalidValue::Character { found, allowed });
        }
        let text = with_wildcards(&text);
        if !text.contains([WILDCARDS.run, WILDCARDS.one]) {
            return text.parse().map(Self::Exact);
        }
        let length = text.chars().filter(|it| *it != WILDCARDS.run).count();
        match length > AttributeValue::MAX_LENGTH {
            true => Err(InvalidValue::TooLong {
                length,
                max: AttributeValue::MAX_LENGTH,
            }),
            false => Ok(Self::Like(ValuePattern {
                text: tidy(&text, WILDCARDS),
            })),
        }
    }

    /// The value, or the pattern.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Exact(value) => value.as_str(),
            Self::Like(pattern) => &pattern.text,
        }
    }

    /// Whether a value, in its normal form, is one of these.
    pub(crate) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(wanted) => wanted.as_str() == value,
            Self::Like(pattern) => matches(&pattern.text, value, WILDCARDS),
        }
    }
}

impl ValuePattern {
    /// The same pattern for SQL's `LIKE`.
    pub(crate) fn like(&self) -> String {
        let mut like = String::with_capacity(self.text.len());
        for character in self.text.chars() {
            match character {
                it if it == WILDCARDS.run => like.push('%'),
                it if it == WILDCARDS.one => like.push('_'),
                '%' | '_' | '\\' => like.extend(['\\', character]),
                other => like.push(other),
            }
        }
        like
    }

    /// What every matching value begins with; empty if the pattern begins with a wildcard.
    pub(crate) fn prefix(&self) -> &str {
        let mut parts = self.text.split([WILDCARDS.run, WILDCARDS.one]);
        parts.next().unwrap_or_default()
    }
}

fn with_wildcards(text: &str) -> String {
    let mut read = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = characters.next_if(|it| character == '\\' && matches!(it, '*' | '?' | '\\'));
        read.push(match (character, escaped) {
            (_, Some(escaped)) => escaped,
            ('*', None) => WILDCARDS.run,
            ('?', None) => WILDCARDS.one,
            (other, None) => other,
        });
    }
    read
}

impl Display for AttributeTest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { key, values } = self;
        match values.as_slice() {
            _ if *self == Self::any_value(key.clone()) => write!(f, "has {key}"),
            [value] => write!(f, "{key} = {value}"),
            values => {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                write!(f, "{key} IN ({})", values.join(", "))
            }
        }
    }
}

/// In quotes.
impl Display for ValueMatch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.text().chars() {
            match character {
                it if it == WILDCARDS.run => f.write_str("*")?,
                it if it == WILDCARDS.one => f.write_str("?")?,
                '*' | '?' | '\\' => write!(f, "\\{character}")?,
                '"' => f.write_str("\"\"")?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("\"")
    }
}
