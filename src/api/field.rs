//! Reading fields. An error names the field by its path in the request.

use std::{fmt::Display, str::FromStr};

use crate::{
    domain::{Error, Violation},
    model::InvalidValue,
};

/// Attaches the path of a field to an error.
pub(super) trait Field<T> {
    /// The value, or a violation of the field at `path`, as the caller writes it.
    fn field(self, path: &str) -> Result<T, Violation>;
}

impl<T, E: Display> Field<T> for Result<T, E> {
    fn field(self, path: &str) -> Result<T, Violation> {
        self.map_err(|error| Violation {
            field: path.to_owned(),
            reason: error.to_string(),
        })
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Invalid(vec![violation])
    }
}

/// Reads a required value.
pub(super) fn required<T>(text: &str, path: &str) -> Result<T, Violation>
where
    T: FromStr<Err = InvalidValue>,
{
    text.parse().field(path)
}

/// Reads a value that may be left blank.
pub(super) fn optional<T>(text: &str, path: &str) -> Result<Option<T>, Violation>
where
    T: FromStr<Err = InvalidValue>,
{
    if text.is_empty() {
        Ok(None)
    } else {
        text.parse().map(Some).field(path)
    }
}

/// Reads a required message.
pub(super) fn required_message<T>(message: Option<T>, path: &str) -> Result<T, Violation> {
    message.ok_or("must be set").field(path)
}

/// The etag, if it is set.
pub(super) fn etag(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Reads a text to search for. Every searched field has at most 100 characters.
pub(super) fn search_text(text: String, path: &str) -> Result<String, Violation> {
    let length = text.chars().count();
    if text.contains('\0') {
        // PostgreSQL text cannot contain NUL.
        Err("must not hold NUL".to_owned())
    } else if length > 100 {
        Err(format!("must have at most 100 characters; it has {length}"))
    } else {
        Ok(text)
    }
    .field(path)
}

/// Reads a list of required values. The codec has counted them.
pub(super) fn required_each<T>(texts: &[String], path: &str) -> Result<Vec<T>, Violation>
where
    T: FromStr<Err = InvalidValue>,
{
    let texts = texts.iter().enumerate();
    let values = texts.map(|(at, text)| required(text, &format!("{path}[{at}]")));
    values.collect()
}

/// Rejects a metadata key with several values: which of them counts is arbitrary.
pub(super) fn single_value(count: usize) -> Result<(), String> {
    match count {
        0 | 1 => Ok(()),
        _ => Err(format!("must have one value; the call has {count}")),
    }
}
