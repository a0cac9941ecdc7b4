//! Page sizes and etags.

use super::{Revision, Time};

/// The maximum number of entries of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(i64);

/// A negative page size.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must not be negative")]
pub struct NegativePageSize;

impl PageSize {
    /// One entry.
    pub(crate) const ONE: Self = Self(1);

    /// The size for a requested one: 0 means `default`, and more than `max` means `max`.
    pub fn new(requested: i32, default: i32, max: i32) -> Result<Self, NegativePageSize> {
        match requested {
            ..0 => Err(NegativePageSize),
            0 => Ok(Self(i64::from(default))),
            _ => Ok(Self(i64::from(requested.min(max)))),
        }
    }

    /// The size.
    pub(crate) fn get(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The number of rows to read to know whether another page follows.
    pub(crate) fn with_one_more(self) -> i64 {
        self.0 + 1
    }
}

/// The etag of a resource that changes only at new revisions. The time tells a version from another
/// one under the same revision, after commits were lost (see [`Commit`](super::Commit)).
pub(super) fn strong_etag(revision: Revision, time: Time) -> String {
    format!("\"r{revision}-{:x}\"", time.timestamp_micros())
}

/// The etag of a resource of which some fields, such as counts, change without it.
pub(super) fn weak_etag(revision: Revision, time: Time) -> String {
    format!("W/{}", strong_etag(revision, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_defaulted_capped_and_never_negative() {
        let size = |wish| PageSize::new(wish, 50, 1_000).map(PageSize::get);
        assert_eq!(size(0), Ok(50));
        assert_eq!(size(7), Ok(7));
        assert_eq!(size(1_001), Ok(1_000));
        assert_eq!(size(-1), Err(NegativePageSize));
    }
}
