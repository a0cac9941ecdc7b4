//! The position in a resume token of an export.

use std::{fmt, str::FromStr};

use crate::{
    api::stream::Cursor,
    domain::{Error, Result, export::ExportPosition},
    model::Revision,
};

/// How far an export came, over all its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExportCursor {
    /// What was sent.
    pub(super) sent: ExportPosition,
    /// The revision of the stream that was opened first.
    pub(super) first_revision: Revision,
}

impl fmt::Display for ExportCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sent,
            first_revision,
        } = self;
        write!(f, "{first_revision}/{}@{}", sent.upto, sent.since)
    }
}

impl FromStr for ExportCursor {
    type Err = Error;

    /// Version 0.1.0 left the first revision out if it was the same.
    fn from_str(text: &str) -> Result<Self> {
        let (first, sent) = match text.split_once('/') {
            Some((first, sent)) => (first.parse().ok(), sent),
            None => (None, text),
        };
        let Cursor { after, revision } = sent.parse()?;
        Ok(Self {
            sent: ExportPosition {
                upto: after,
                since: revision,
            },
            first_revision: first.unwrap_or(revision),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_written_and_as_version_0_1_0_wrote_it() {
        let cursor = |first_revision| ExportCursor {
            sent: ExportPosition { upto: 7, since: 9 },
            first_revision,
        };
        let read = |text: &str| text.parse::<ExportCursor>().expect("a cursor");
        assert_eq!(read(&cursor(5).to_string()), cursor(5));
        assert_eq!(read("7@9"), cursor(9));
    }
}
