//! Actions on a segment of all contacts.

use std::time::{Duration, Instant};

use mailing_groups::pb::{self, segments_client::SegmentsClient};
use tonic::transport::Channel;

use crate::support::{
    figures::time,
    report::Limit,
    service::{Database, Service},
};

/// An action is to be well under a second.
const MOST: Duration = Duration::from_millis(500);

const ID: &str = "BENCH";

/// Builds a segment of all contacts and of a half of them.
pub(crate) async fn limits(database: &Database, service: &Service) -> Vec<Limit> {
    let mut actions = Actions {
        client: SegmentsClient::connect(service.endpoint.clone())
            .await
            .expect("connects"),
        limits: Vec::new(),
    };
    actions.create().await;
    actions.add("*").await;
    actions.reduce("G01").await;
    actions.go_back().await;
    actions.refine("G01 OR G02").await;
    actions.limits.push(size(database).await);
    actions.limits
}

struct Actions {
    client: SegmentsClient<Channel>,
    limits: Vec<Limit>,
}

impl Actions {
    fn done(&mut self, what: &str, start: Instant) {
        let elapsed = start.elapsed();
        self.limits.push(Limit {
            what: what.to_owned(),
            measured: time(elapsed),
            limit: format!("≤ {}", time(MOST)),
            met: elapsed <= MOST,
        });
    }

    async fn create(&mut self) {
        let segment = Some(pb::Segment {
            id: ID.to_owned(),
            ..Default::default()
        });
        let request = pb::CreateSegmentRequest {
            segment,
            ..Default::default()
        };
        self.client.create_segment(request).await.expect("created");
    }

    async fn add(&mut self, expression: &str) {
        let request = pb::AddContactsRequest {
            segment_id: ID.to_owned(),
            expression: expression.to_owned(),
            ..Default::default()
        };
        let start = Instant::now();
        let added = self.client.add_contacts(request).await.expect("added");
        let count = added.into_inner().added_count;
        self.done(&format!("AddContacts, {count}"), start);
    }

    async fn reduce(&mut self, expression: &str) {
        let request = pb::ReduceContactsRequest {
            segment_id: ID.to_owned(),
            expression: expression.to_owned(),
            ..Default::default()
        };
        let start = Instant::now();
        let reduced = self.client.reduce_contacts(request).await.expect("reduced");
        let count = reduced.into_inner().removed_count;
        self.done(&format!("ReduceContacts, {count}"), start);
    }

    async fn refine(&mut self, expression: &str) {
        let request = pb::RefineContactsRequest {
            segment_id: ID.to_owned(),
            expression: expression.to_owned(),
            ..Default::default()
        };
        let start = Instant::now();
        let refined = self.client.refine_contacts(request).await.expect("refined");
        let count = refined.into_inner().removed_count;
        self.done(&format!("RefineContacts, {count}"), start);
    }

    async fn go_back(&mut self) {
        let request = pb::GoBackRequest {
            segment_id: ID.to_owned(),
            ..Default::default()
        };
        let start = Instant::now();
        let back = self.client.go_back(request).await.expect("back");
        let count = back.into_inner().added_count;
        self.done(&format!("GoBack, {count}"), start);
    }
}

/// What the segment and its history take in the database.
async fn size(database: &Database) -> Limit {
    let sql = database.connect().await;
    let bytes = "SELECT (SELECT max(octet_length(members)) FROM segments) \
        + (SELECT sum(octet_length(changed)) FROM segment_actions)";
    let row = sql.query_one(bytes, &[]).await.expect("bytes");
    let kib = row.get::<_, i64>(0) / 1024;
    let contacts = "SELECT count(*) FROM contacts";
    let row = sql.query_one(contacts, &[]).await.expect("contacts");
    // A few hundred kilobytes a million.
    let most = (row.get::<_, i64>(0) * 400 / 1_000_000).max(1);
    Limit {
        what: "a segment and what it takes to undo its actions".to_owned(),
        measured: format!("{kib} KiB"),
        limit: format!("≤ {most} KiB"),
        met: kib <= most,
    }
}
