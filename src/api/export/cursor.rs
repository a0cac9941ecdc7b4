//! The position in a resume token of an export.

use std::{fmt, str::FromStr};

use crate::{
    api::stream::Cursor,
    domain::{Error, Result, export::ExportPosition},
    model::{Commit, Revision},
};

/// How far an export came, over all its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExportCursor {
    /// What was sent.
    pub(super) sent: ExportPosition,
    /// The commit that the last stream read at.
    pub(super) commit: Commit,
    /// The revision of the stream that was opened first.
    pub(super) first_revision: Revision,
}

impl fmt::Display for ExportCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ExportPosition { upto, since } = self.sent;
        let (after, commit) = (upto, self.commit);
        let position = Cursor { after, commit };
        write!(f, "{}/{since}/{position}", self.first_revision)
    }
}

impl FromStr for ExportCursor {
    type Err = Error;

    /// Version 0.1.0 wrote the position and the first revision only.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.rsplitn(3, '/');
        let Cursor { after, commit } = parts.next().unwrap_or_default().parse()?;
        let mut revision = || match parts.next() {
            Some(text) => text
                .parse()
                .map_err(|_| Error::invalid("resume_token", "is not a place in a stream")),
            None => Ok(commit.revision),
        };
        let sent = ExportPosition {
            upto: after,
            since: revision()?,
        };
        Ok(Self {
            sent,
            commit,
            first_revision: revision()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_written_and_as_version_0_1_0_wrote_it() {
        let cursor = |since, first_revision, id| ExportCursor {
            sent: ExportPosition { upto: 7, since },
            commit: Commit { revision: 9, id },
            first_revision,
        };
        let read = |text: &str| text.parse::<ExportCursor>().expect("a cursor");
        assert_eq!(read(&cursor(8, 5, 3).to_string()), cursor(8, 5, 3));
        assert_eq!(read("7@9"), cursor(9, 9, 0));
    }
}
