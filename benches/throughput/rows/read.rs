//! Reading one group a call: row 1, and our half of it in row 8.

use std::time::Duration;

use mailing_groups::pb::{self, mailing_groups_client::MailingGroupsClient};
use prost::Message;
use tonic::Request;

use crate::{
    support::load::{Load, frame},
    support::{figures::Unit, report::Aim},
    throughput::{
        h2load,
        line::Line,
        pgbench::{self, Length},
        stage::{Settings, Stage},
    },
};

const GET: &str = "/mailinggroups.v1.MailingGroups/GetMailingGroup";
const ONE: &str = include_str!("../sql/read_one.sql");
const ANY: &str = include_str!("../sql/read_any.sql");

/// Row 1: the same group in every call, as h2load has one message only; and row 1b: all groups
/// in turn.
pub(crate) async fn measure(stage: &Stage, settings: &Settings) -> Vec<Line> {
    let line = |row, what, against| {
        let what = format!("GetMailingGroup, {what}, 4 × 64 in flight");
        Line::new(row, &what, against, Unit::PerSecond, Aim::AtLeast(1.0))
    };
    let mut one = line("1", "one group (h2load)", "pgbench -c 16, same SELECT");
    let mut any = line("1b", "50 groups in turn", "pgbench -c 16, same SELECT");
    stage.settle().await;
    for _ in 0..settings.rounds {
        let ours = get_one(stage, settings.time).await;
        one.push(ours, select(stage, ONE, settings.time).await);
        let ours = get_any(stage, settings.time).await;
        any.push(ours, select(stage, ANY, settings.time).await);
    }
    vec![one, any]
}

/// Our side of row 1.
pub(crate) async fn get_one(stage: &Stage, time: Duration) -> f64 {
    let request = get("G01");
    let mut client = MailingGroupsClient::connect(stage.service.endpoint.clone())
        .await
        .expect("connects");
    let mut call = Request::new(request.clone());
    call.metadata_mut()
        .insert("x-tenant", "t1".parse().expect("a name"));
    let answer = client.get_mailing_group(call).await.expect("G01");
    let answer = 5 + answer.into_inner().encoded_len() as u64;
    let endpoint = &stage.service.endpoint;
    h2load::run(endpoint, GET, "t1", &frame(&request), answer, time).await
}

async fn get_any(stage: &Stage, time: Duration) -> f64 {
    let messages: Vec<_> = (1..=50)
        .map(|group| frame(&get(&format!("G{group:02}"))))
        .collect();
    let load = Load {
        endpoint: &stage.service.endpoint,
        path: GET,
        tenants: &["t1".to_owned()],
        connections: 4,
        in_flight: 64,
        ramp: Duration::ZERO,
        time,
        messages: &messages,
        again: true,
        refusals: false,
    };
    load.run().await.per_second()
}

async fn select(stage: &Stage, script: &str, time: Duration) -> f64 {
    let run = pgbench::Run {
        url: &stage.url,
        script,
        variables: vec![("code", "G01".to_owned())],
        clients: 16,
        length: Length::Time(time),
        timed: false,
    };
    run.run().await.per_second
}

fn get(code: &str) -> pb::GetMailingGroupRequest {
    pb::GetMailingGroupRequest {
        code: code.to_owned(),
    }
}
