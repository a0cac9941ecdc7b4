//! Reading fields, and saying which one is wrong.

use std::{fmt::Display, str::FromStr};

use crate::{
    domain::{Error, Violation, assignments::MAX_BATCH},
    model::{InvalidValue, PageSize},
};

/// Names the field that an error is about.
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

/// Reads a message that must be there.
pub(super) fn present<T>(message: Option<T>, path: &str) -> Result<T, Violation> {
    message.ok_or("must be set").field(path)
}

/// An etag, if one was sent.
pub(super) fn etag(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The page size of a list: 50 unless said otherwise, at most 1,000.
pub(super) fn page_size(wish: i32) -> Result<PageSize, Violation> {
    PageSize::new(wish, 50, 1_000).field("page_size")
}

/// Reads a text to search for: nothing that could be found is longer than 100 characters.
pub(super) fn searched(text: String, path: &str) -> Result<String, Violation> {
    let length = text.chars().count();
    if text.contains('\0') {
        // PostgreSQL keeps none.
        Err("must not hold NUL".to_owned())
    } else if length > 100 {
        Err(format!("must have at most 100 characters; it has {length}"))
    } else {
        Ok(text)
    }
    .field(path)
}

/// Refuses more items than a batch may have.
pub(super) fn batch<T>(items: &[T], path: &str) -> Result<(), Violation> {
    let reason = format!(
        "must have at most {MAX_BATCH} items; it has {}",
        items.len()
    );
    if items.len() > MAX_BATCH {
        Err(reason)
    } else {
        Ok(())
    }
    .field(path)
}
