//! The last word on an import.

use std::{path::PathBuf, time::Duration};

use crate::{client::progress::per_second, duration::human};

/// What the service made of the rows it was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Made, or assigned.
    pub(super) created: u64,
    /// Changed; None where there is nothing to change.
    pub(super) updated: Option<u64>,
    /// So already.
    pub(super) unchanged: u64,
    /// Refused.
    pub(super) rejected: u64,
    /// The tenant's revision at the end; 0 if it is not known.
    pub(super) revision: i64,
}

impl Tally {
    /// Rows that are in.
    pub(super) fn committed(&self) -> u64 {
        self.created + self.updated.unwrap_or(0) + self.unchanged
    }
}

/// Everything but the tally.
pub(super) struct Report {
    took: Duration,
    unreadable: u64,
    rejects: Option<(u64, PathBuf)>,
}

impl Report {
    pub(super) fn new(took: Duration, unreadable: u64, rejects: Option<(u64, PathBuf)>) -> Self {
        Self {
            took,
            unreadable,
            rejects,
        }
    }

    /// Two lines at most: `3 contacts: 2 created, …` and where the rejected rows are.
    pub(super) fn text(&self, tally: &Tally, noun: &str, created: &str) -> String {
        let rejected = tally.rejected + self.unreadable;
        let rows = tally.committed() + rejected;
        let mut text = format!("{rows} {noun}: {} {created}", tally.created);
        if let Some(updated) = tally.updated {
            text += &format!(", {updated} updated");
        }
        let unchanged = match tally.updated {
            Some(_) => "unchanged",
            None => "already there",
        };
        text += &format!(", {} {unchanged}, {rejected} rejected", tally.unchanged);
        text += &format!(
            "; {}, {} rows/s",
            human(self.took),
            per_second(rows, self.took)
        );
        if tally.revision > 0 {
            text += &format!(", revision {}", tally.revision);
        }
        if let Some(line) = self.rejects() {
            text += "\n";
            text += &line;
        }
        text
    }

    /// Where the rejected rows are, if there are any.
    pub(super) fn rejects(&self) -> Option<String> {
        let (count, path) = self.rejects.as_ref()?;
        let rows = if *count == 1 { "row" } else { "rows" };
        let path = path.display();
        Some(format!(
            "{count} rejected {rows}, with line and reason: {path}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_counts_time_rate_and_where_rejects_are() {
        let took = Duration::from_millis(500);
        let report = Report::new(took, 1, Some((3, "x.rejected.csv".into())));
        let mut tally = Tally {
            created: 5,
            updated: Some(1),
            unchanged: 2,
            rejected: 2,
            revision: 7,
        };
        assert_eq!(
            report.text(&tally, "contacts", "created"),
            "11 contacts: 5 created, 1 updated, 2 unchanged, 3 rejected; 0.5 s, 22 rows/s, revision 7\
             \n3 rejected rows, with line and reason: x.rejected.csv"
        );
        (tally.updated, tally.rejected) = (None, 0);
        assert_eq!(
            Report::new(took, 0, None).text(&tally, "memberships", "assigned"),
            "7 memberships: 5 assigned, 2 already there, 0 rejected; 0.5 s, 14 rows/s, revision 7"
        );
    }
}
