//! The cost of readers: the time to the first page, the time until cancelled work ends, and the
//! memory of many slow readers.

use std::time::{Duration, Instant};

use mailing_groups::pb::{
    SegmentMemberView, StreamSegmentMembersResponse, mailing_groups_client::MailingGroupsClient,
};
use tonic::{Streaming, transport::Channel};

use super::{connect, streams::request};
use crate::support::{
    figures::time,
    machine, median,
    report::Limit,
    service::{Database, Service},
};

/// The number of concurrent slow readers.
const READERS: u64 = 16;

/// The repetitions of each measurement.
const TIMES: u64 = 20;

/// Measures all of it, with streams of all contacts.
pub(crate) async fn limits(database: &Database, service: &Service) -> Vec<Limit> {
    let mut client = connect(service).await;
    let mut limits = vec![first_page(&mut client).await];
    limits.push(cancelled(database, &mut client).await);
    limits.extend(memory(service).await);
    limits
}

async fn open(
    client: &mut MailingGroupsClient<Channel>,
    view: SegmentMemberView,
) -> Streaming<StreamSegmentMembersResponse> {
    let stream = client.stream_segment_members(request("*", view)).await;
    stream.expect("streams").into_inner()
}

/// A warm stream answers its call once it is evaluated; the first page follows.
async fn first_page(client: &mut MailingGroupsClient<Channel>) -> Limit {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let mut stream = open(client, SegmentMemberView::Ids).await;
        let start = Instant::now();
        stream.message().await.expect("streams").expect("a page");
        times.push(start.elapsed());
    }
    let most = Duration::from_millis(10);
    limit("first page after the evaluation, warm", median(times), most)
}

/// From the cancellation of a stream until PostgreSQL is idle.
async fn cancelled(database: &Database, client: &mut MailingGroupsClient<Channel>) -> Limit {
    let sql = database.connect().await;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let mut stream = open(client, SegmentMemberView::Full).await;
        for _ in 0..3 {
            stream.message().await.expect("streams").expect("a page");
        }
        drop(stream);
        let start = Instant::now();
        while is_active(&sql).await {}
        times.push(start.elapsed());
    }
    let slowest = times.into_iter().max().expect("some");
    let what = "work of a cancelled stream gone, at the latest";
    limit(what, slowest, Duration::from_millis(50))
}

async fn is_active(sql: &tokio_postgres::Client) -> bool {
    let active = "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' \
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let row = sql.query_one(active, &[]).await.expect("counts");
    row.get::<_, i64>(0) > 0
}

fn limit(what: &str, measured: Duration, most: Duration) -> Limit {
    Limit {
        what: what.to_owned(),
        measured: time(measured),
        limit: format!("≤ {}", time(most)),
        met: measured <= most,
    }
}

/// The memory that each reader takes near the beginning of all contacts, and further on.
async fn memory(service: &Service) -> [Limit; 2] {
    let resident = || machine::resident(service.process_id());
    let before = resident();
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut client = connect(service).await;
        readers.push(open(&mut client, SegmentMemberView::Full).await);
    }
    let mut most = Vec::new();
    for pages in [10, 200] {
        for _ in 0..pages {
            for reader in &mut readers {
                reader.message().await.expect("streams").expect("a page");
            }
        }
        most.push(resident().saturating_sub(before) as f64 / READERS as f64);
    }
    let (early, late) = (most[0], most[1]);
    let limit = |what: &str, mib: f64, bound: f64| Limit {
        what: format!("memory a reader of all contacts, {what}"),
        measured: format!("{mib:.1} MiB"),
        limit: format!("≤ {bound:.1} MiB"),
        met: mib <= bound,
    };
    [
        limit("after 10 pages", early, 8.0),
        limit("after 200 more", late, (early * 1.5).max(2.0)),
    ]
}
