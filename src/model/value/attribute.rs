//! Attributes: what a contact is besides the fields that all contacts have.

use std::{
    collections::{BTreeMap, btree_map},
    fmt,
    io::Write as _,
    str::FromStr,
};

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{Jsonb, Text},
};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{InvalidValue, at_most, not_blank};
use crate::model::limits::MAX_ATTRIBUTES;

text_value! {
    /// The key of an attribute: a lower-case letter and up to 30 of `a-z 0-9 _`, and no word of the
    /// expression language.
    AttributeKey, parse_key
}

text_value! {
    /// The value of an attribute: 1 to 100 characters, trimmed, NFC.
    AttributeValue, parse_value
}

/// Words that have, or may get, a meaning of their own before `=` in an expression, or are operators.
const RESERVED: [&str; 11] = [
    "and", "or", "not", "in", "has", "id", "name", "kind", "company", "email", "segment",
];

impl AttributeValue {
    /// Maximum length of a value, in characters.
    pub(crate) const MAX_LENGTH: usize = 100;

    /// The normal form of a value. Does not check the text.
    pub(crate) fn normalize(text: &str) -> String {
        text.trim().nfc().collect()
    }
}

fn parse_key(text: &str) -> Result<String, InvalidValue> {
    const RULE: &str = "a lower-case letter and up to 30 of a-z 0-9 _, as territory is";
    const NO_WORD: &str = "none of and, or, not, in, has, id, name, kind, company, email and \
        segment, which mean something else in expressions";
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_key = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(allowed)
        && text.len() <= 31;
    match is_key {
        false => Err(InvalidValue::Shape(RULE)),
        true if RESERVED.contains(&text) => Err(InvalidValue::Shape(NO_WORD)),
        true => Ok(text.to_owned()),
    }
}

fn parse_value(text: &str) -> Result<String, InvalidValue> {
    let text = AttributeValue::normalize(text);
    at_most(not_blank(&text)?, AttributeValue::MAX_LENGTH)
}

/// The attributes of a contact, by key.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, AsExpression, FromSqlRow, Serialize, Deserialize,
)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Attributes(BTreeMap<AttributeKey, AttributeValue>);

impl Attributes {
    /// How many a contact may have.
    pub(crate) const MAX: usize = MAX_ATTRIBUTES;

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, key: &AttributeKey) -> Option<&AttributeValue> {
        self.0.get(key)
    }

    pub(crate) fn iter(&self) -> btree_map::Iter<'_, AttributeKey, AttributeValue> {
        self.0.iter()
    }

    /// Takes over those whose keys it lacks; whether there are any.
    pub(crate) fn take_missing(&mut self, others: &Self) -> bool {
        let before = self.len();
        for (key, value) in others.iter() {
            self.0.entry(key.clone()).or_insert_with(|| value.clone());
        }
        self.len() > before
    }
}

impl FromIterator<(AttributeKey, AttributeValue)> for Attributes {
    fn from_iter<T: IntoIterator<Item = (AttributeKey, AttributeValue)>>(all: T) -> Self {
        Self(all.into_iter().collect())
    }
}

impl IntoIterator for Attributes {
    type Item = (AttributeKey, AttributeValue);
    type IntoIter = btree_map::IntoIter<AttributeKey, AttributeValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// `jsonb` in the binary format is JSON after a byte for the version, which is 1.
impl ToSql<Jsonb, Pg> for Attributes {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[1])?;
        serde_json::to_writer(out, self)?;
        Ok(IsNull::No)
    }
}

impl FromSql<Jsonb, Pg> for Attributes {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes() {
            [1, b'{', b'}'] => Ok(Self::default()),
            [1, json @ ..] => Ok(serde_json::from_slice(json)?),
            _ => Err("no jsonb of version 1".into()),
        }
    }
}

/// A change of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttributesChange {
    /// Replaces all.
    All(Attributes),
    /// Sets those of these keys, or removes them.
    Keys(BTreeMap<AttributeKey, Option<AttributeValue>>),
}

impl AttributesChange {
    /// The attributes after the change.
    pub(crate) fn apply(self, mut attributes: Attributes) -> Attributes {
        match self {
            Self::All(all) => return all,
            Self::Keys(keys) => {
                for (key, value) in keys {
                    match value {
                        Some(value) => attributes.0.insert(key, value),
                        None => attributes.0.remove(&key),
                    };
                }
            }
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_plain_word_that_expressions_do_not_use() {
        for good in ["a", "territory", "class_2", &"k".repeat(31)] {
            assert!(good.parse::<AttributeKey>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "1a",
            "_a",
            "Territory",
            "a-b",
            "é",
            "a b",
            &"k".repeat(32),
        ] {
            let error = bad.parse::<AttributeKey>().expect_err(bad);
            assert!(
                error.to_string().contains("lower-case letter"),
                "{bad}: {error}"
            );
        }
        for word in RESERVED {
            let error = word.parse::<AttributeKey>().expect_err(word);
            assert!(error.to_string().contains("expressions"), "{word}: {error}");
        }
    }

    #[test]
    fn equal_texts_are_equal_values() {
        let value = |text: &str| text.parse::<AttributeValue>();
        assert_eq!(value(" Gene\u{300}ve "), value("Gen\u{e8}ve"));
        assert!(value(&"\u{e8}".repeat(100)).is_ok());
        assert!(value(&"e\u{300}".repeat(100)).is_ok());
        assert!(value(&"x".repeat(101)).is_err());
        assert!(value(" ").is_err() && value("a\nb").is_err() && value("a\0").is_err());
    }
}
