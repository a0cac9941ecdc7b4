//! The arguments that select contacts, and the counts of a selection.

use super::{
    connection::{ConnectionArgs, TenantChannel},
    error::Error,
    terminal::pluralize,
};
use crate::pb::{
    CountSegmentMembersRequest, CountSegmentMembersResponse, Selection, SelectionOptions,
    mailing_groups_client::MailingGroupsClient, stream_segment_members_response::Summary,
};

/// An expression with its options.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SelectionArgs {
    /// The contacts to select, as an expression over group codes, such as '(MOVE OR GIFT) AND NOT
    /// OPTOUT'
    #[arg(value_name = "EXPR")]
    expression: String,
    #[command(flatten)]
    options: SelectionOptionArgs,
}

impl SelectionArgs {
    /// Counts what is selected.
    pub(super) async fn count(
        &self,
        client: &mut MailingGroupsClient<TenantChannel>,
        connection: &ConnectionArgs,
    ) -> Result<SelectionCounts, Error> {
        let request = connection.unary(CountSegmentMembersRequest {
            selection: Some(self.selection()),
        });
        let counts = client.count_segment_members(request).await?;
        Ok(counts.into_inner().into())
    }

    /// What the arguments select, as a request has it.
    pub(super) fn selection(&self) -> Selection {
        Selection::of_expression(&self.expression, self.options.into())
    }
}

/// The treatment of companies and of contacts that are marked to be left out.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct SelectionOptionArgs {
    /// Select for each match its whole company: the company and all its persons
    #[arg(long, help_heading = "Selection")]
    expand_companies: bool,
    /// Also select the companies of matching persons
    #[arg(long, help_heading = "Selection")]
    include_related_companies: bool,
    /// Keep contacts that are marked exclude_from_segments
    #[arg(long, help_heading = "Selection")]
    include_excluded: bool,
    /// Keep contacts that are marked privacy_blocked
    #[arg(long, help_heading = "Selection")]
    include_privacy_blocked: bool,
}

impl From<SelectionOptionArgs> for SelectionOptions {
    fn from(options: SelectionOptionArgs) -> Self {
        Self {
            expand_companies: options.expand_companies,
            include_related_companies: options.include_related_companies,
            include_excluded: options.include_excluded,
            include_privacy_blocked: options.include_privacy_blocked,
        }
    }
}

/// How many contacts are selected and how many are left out, at one revision.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct SelectionCounts {
    pub(super) member_count: i64,
    pub(super) company_count: i64,
    pub(super) person_count: i64,
    pub(super) excluded_count: i64,
    pub(super) privacy_blocked_count: i64,
    pub(super) revision: i64,
}

macro_rules! counts_from {
    ($($message:ty),*) => {$(
        impl From<$message> for SelectionCounts {
            fn from(message: $message) -> Self {
                Self {
                    member_count: message.member_count,
                    company_count: message.company_count,
                    person_count: message.person_count,
                    excluded_count: message.excluded_count,
                    privacy_blocked_count: message.privacy_blocked_count,
                    revision: message.revision,
                }
            }
        }
    )*};
}

counts_from!(CountSegmentMembersResponse, Summary);

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
