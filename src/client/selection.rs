//! Whom an expression selects: the arguments that `count` and `members` share.

use super::terminal::pluralize;
use crate::pb;

/// The expression and how those who are left out are treated.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SelectionArgs {
    /// Who is meant: an expression over group codes, such as '(MOVE OR GIFT) AND NOT OPTOUT'
    #[arg(value_name = "EXPR")]
    pub(super) expression: String,
    /// Take for each match its whole company: the company and all its people
    #[arg(long, help_heading = "Selection")]
    expand_companies: bool,
    /// Take also the companies of the persons that match
    #[arg(long, help_heading = "Selection")]
    include_related_companies: bool,
    /// Keep contacts that are marked exclude_from_segments
    #[arg(long, help_heading = "Selection")]
    include_excluded: bool,
    /// Keep contacts that are marked privacy_blocked
    #[arg(long, help_heading = "Selection")]
    include_privacy_blocked: bool,
}

impl SelectionArgs {
    pub(super) fn options(&self) -> pb::SelectionOptions {
        pb::SelectionOptions {
            expand_companies: self.expand_companies,
            include_related_companies: self.include_related_companies,
            include_excluded: self.include_excluded,
            include_privacy_blocked: self.include_privacy_blocked,
        }
    }
}

/// How many were selected and how many were left out, at which revision.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct SelectionCounts {
    pub(super) member_count: i64,
    pub(super) company_count: i64,
    pub(super) person_count: i64,
    pub(super) excluded_count: i64,
    pub(super) privacy_blocked_count: i64,
    pub(super) revision: i64,
}

impl std::fmt::Display for SelectionCounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} ({}, {}) at revision {}; left out: {} excluded, {} privacy-blocked",
            pluralize(self.member_count, "member", "members"),
            pluralize(self.company_count, "company", "companies"),
            pluralize(self.person_count, "person", "persons"),
            self.revision,
            self.excluded_count,
            self.privacy_blocked_count,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_a_sentence() {
        let counts = SelectionCounts {
            member_count: 3,
            company_count: 1,
            person_count: 2,
            excluded_count: 3,
            privacy_blocked_count: 0,
            revision: 12,
        };
        assert_eq!(
            counts.to_string(),
            "3 members (1 company, 2 persons) at revision 12; left out: 3 excluded, 0 privacy-blocked"
        );
    }
}
