//! What identifies a state of a tenant's data.

use std::{fmt, str::FromStr};

use super::Revision;

/// A revision and the random id of the transaction that made it.
///
/// The number alone can name two states: after the loss of commits, by a failover to a standby that
/// lags or a restored backup, other transactions get the numbers of the lost ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Commit {
    /// The revision.
    pub revision: Revision,
    /// 0 for revision 0, and for revisions of versions that wrote no ids.
    pub id: i64,
}

impl Commit {
    /// A new id for a transaction.
    pub(crate) fn new_id() -> i64 {
        fastrand::i64(1..)
    }
}

/// As in tokens: `REVISION.ID`; version 0.1.0 wrote no id.
impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.revision, self.id)
    }
}

impl FromStr for Commit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (revision, id) = text.split_once('.').unwrap_or((text, "0"));
        match (revision.parse(), id.parse()) {
            (Ok(revision), Ok(id)) => Ok(Self { revision, id }),
            _ => Err("must be REVISION.ID"),
        }
    }
}
