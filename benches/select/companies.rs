//! Selecting by companies.

use std::time::{Duration, Instant};

use mailing_groups::pb::{self, SelectionOptions, mailing_groups_client::MailingGroupsClient};
use tonic::transport::Channel;

use super::connect;
use crate::support::{
    figures::time,
    median,
    report::Limit,
    service::{Database, Service},
};

/// How many companies an expression names.
const COMPANIES: u32 = 200;

/// The contacts of a company, itself included.
const CONTACTS_PER_COMPANY: i64 = 10;

const MOST: Duration = Duration::from_millis(100);

/// Counts the contacts of many companies, in a new process and again.
pub(crate) async fn limits(database: &Database, rounds: u64) -> Vec<Limit> {
    let expand = SelectionOptions {
        expand_companies: true,
        ..Default::default()
    };
    let (mut first, mut again, mut expanded) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let service = Service::start(database.url(), &[]);
        let mut client = connect(&service).await;
        first.push(count(&mut client, SelectionOptions::default()).await);
        for _ in 0..50 {
            again.push(count(&mut client, SelectionOptions::default()).await);
        }
        // The first one reads the company of every contact.
        count(&mut client, expand).await;
        for _ in 0..50 {
            expanded.push(count(&mut client, expand).await);
        }
    }
    let limit = |what: &str, times| {
        let measured = median(times);
        Limit {
            what: format!("contacts of {COMPANIES} companies, {what}"),
            measured: time(measured),
            limit: format!("≤ {}", time(MOST)),
            met: measured <= MOST,
        }
    };
    vec![
        limit("counted first in a new process", first),
        limit("again", again),
        limit("expanded", expanded),
    ]
}

async fn count(client: &mut MailingGroupsClient<Channel>, options: SelectionOptions) -> Duration {
    let company = |n| format!("company = C{:08}", 1 + 10 * n);
    let companies: Vec<_> = (0..COMPANIES).map(company).collect();
    let request = pb::CountSegmentMembersRequest {
        selection: Some(pb::Selection::of_expression(
            companies.join(" OR "),
            options,
        )),
    };
    let start = Instant::now();
    let counted = client.count_segment_members(request).await.expect("counts");
    let elapsed = start.elapsed();
    let expected = i64::from(COMPANIES) * CONTACTS_PER_COMPANY;
    assert_eq!(counted.into_inner().member_count, expected);
    elapsed
}
