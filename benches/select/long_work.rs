//! Long work: applying a group to all contacts, deleting it with all its members, and what another
//! write of the tenant waits meanwhile.

use std::time::{Duration, Instant};

use mailing_groups::pb::{
    self, mailing_groups_client::MailingGroupsClient, segments_client::SegmentsClient,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tonic::transport::Channel;

use super::connect;
use crate::support::{
    figures::{quantile, time},
    report::Limit,
    service::Service,
};

/// How many contacts a second are to be changed at least.
const LEAST_RATE: f64 = 20_000.0;

/// How long another write may wait: a step, and its own time.
const MOST_WAIT: Duration = Duration::from_secs(1);

const ID: &str = "LONG-WORK";
const CODE: &str = "LONG";

pub(crate) async fn limits(service: &Service) -> Vec<Limit> {
    let mut groups = connect(service).await;
    let mut segments = SegmentsClient::connect(service.endpoint.clone())
        .await
        .expect("connects");
    prepare(&mut groups, &mut segments).await;
    let mut limits = Vec::new();
    let apply = async {
        let request = pb::ApplyMailingGroupRequest {
            segment_id: ID.to_owned(),
            code: CODE.to_owned(),
            ..Default::default()
        };
        let steps = segments.apply_mailing_group(request).await;
        let mut steps = steps.expect("begins").into_inner();
        let mut added = 0;
        while let Some(step) = steps.message().await.expect("goes on") {
            added = step.added_count;
        }
        added
    };
    limits.extend(measure(&groups, "ApplyMailingGroup", apply).await);
    let delete = async {
        let request = pb::DeleteMailingGroupRequest {
            code: CODE.to_owned(),
            force: true,
            ..Default::default()
        };
        let deleted = groups.clone().delete_mailing_group(request).await;
        deleted.expect("deleted").into_inner().unassigned_count
    };
    limits.extend(measure(&groups, "DeleteMailingGroup", delete).await);
    limits
}

/// A segment of all contacts, and two groups without members.
async fn prepare(
    groups: &mut MailingGroupsClient<Channel>,
    segments: &mut SegmentsClient<Channel>,
) {
    for code in [CODE, "OTHER"] {
        let mailing_group = Some(pb::MailingGroup {
            code: code.to_owned(),
            ..Default::default()
        });
        let request = pb::CreateMailingGroupRequest {
            mailing_group,
            ..Default::default()
        };
        groups.create_mailing_group(request).await.expect("created");
    }
    let segment = Some(pb::Segment {
        id: ID.to_owned(),
        ..Default::default()
    });
    let request = pb::CreateSegmentRequest {
        segment,
        ..Default::default()
    };
    segments.create_segment(request).await.expect("created");
    let request = pb::AddContactsRequest {
        segment_id: ID.to_owned(),
        expression: "*".to_owned(),
        ..Default::default()
    };
    segments.add_contacts(request).await.expect("added");
}

/// Runs the work beside a writer that makes one small write after another.
async fn measure(
    groups: &MailingGroupsClient<Channel>,
    what: &str,
    work: impl Future<Output = i64>,
) -> [Limit; 2] {
    let stop = CancellationToken::new();
    let writer = tokio::spawn(write(groups.clone(), stop.clone()));
    let writer = AbortOnDropHandle::new(writer);
    let start = Instant::now();
    let count = work.await;
    let elapsed = start.elapsed();
    stop.cancel();
    let waits = writer.await.expect("no panic");
    let rate = count as f64 / elapsed.as_secs_f64();
    let [median, longest] = [0.5, 1.0].map(|at| Duration::from_secs_f64(quantile(&waits, at)));
    [
        Limit {
            what: format!("{what}, {count} contacts"),
            measured: format!("{}, {rate:.0} contacts/s", time(elapsed)),
            limit: format!("≥ {LEAST_RATE} contacts/s"),
            met: rate >= LEAST_RATE,
        },
        Limit {
            what: format!("{what}: {} other writes meanwhile", waits.len()),
            measured: format!("{}, at most {}", time(median), time(longest)),
            limit: format!("≤ {}", time(MOST_WAIT)),
            met: longest <= MOST_WAIT,
        },
    ]
}

/// Assigns and unassigns one group until it is stopped, and returns how long each took.
async fn write(mut groups: MailingGroupsClient<Channel>, stop: CancellationToken) -> Vec<Duration> {
    let mut waits = Vec::new();
    while !stop.is_cancelled() {
        let (contact_id, code) = ("C00000001".to_owned(), "OTHER".to_owned());
        let start = Instant::now();
        if waits.len() % 2 == 0 {
            let request = pb::AssignMailingGroupRequest { contact_id, code };
            groups.assign_mailing_group(request).await.expect("done");
        } else {
            let request = pb::UnassignMailingGroupRequest { contact_id, code };
            groups.unassign_mailing_group(request).await.expect("done");
        }
        waits.push(start.elapsed());
    }
    waits
}
