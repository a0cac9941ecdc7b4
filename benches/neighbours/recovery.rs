//! How soon calls with short deadlines succeed again after the database has paused.

use std::time::{Duration, Instant};

use mailing_groups::{
    pb::{CountSegmentMembersRequest, Selection, SelectionOptions},
    postgres::Cluster,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{task::JoinSet, time::sleep};
use tonic::Request;

use super::Clients;
use crate::support::{figures::time, report::Limit};

/// Calls a second.
const OFFERED: u64 = 800;

const DEADLINE: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_secs(1);

/// How long calls are made before and after the pause.
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(6);

/// A part of the time, by whose calls it is judged whether calls succeed again.
const PART: Duration = Duration::from_millis(250);

/// How soon 95 % of the calls have to succeed again.
const MAX_TIME: Duration = Duration::from_secs(2);

pub(crate) async fn limit(endpoint: &str, cluster: &Cluster) -> Limit {
    eprintln!("recovery …");
    let start = Instant::now();
    let (calls, resumed) = tokio::join!(call(endpoint, start), pause(cluster, start));
    let succeeded = |from: Duration, upto: Duration| {
        let calls = calls.iter().filter(|(at, _)| (from..upto).contains(at));
        let ok: Vec<bool> = calls.map(|(_, ok)| *ok).collect();
        ok.iter().filter(|ok| **ok).count() as f64 / ok.len().max(1) as f64
    };
    let parts = (0u32..).map(|part| resumed + part * PART);
    let mut parts = parts.take_while(|from| *from + PART <= BEFORE + PAUSE + AFTER);
    let back = parts.find(|from| succeeded(*from, *from + PART) >= 0.95);
    let before = 100.0 * succeeded(Duration::ZERO, BEFORE);
    let show = |back: Duration| format!("after {}", time(back - resumed + PART));
    Limit {
        what: format!(
            "recovery: 95 % of {OFFERED} counts/s with deadlines of 100 ms succeed after a pause of 1 s; \
             before it {before:.0} %"
        ),
        measured: back.map_or("not within 6 s".to_owned(), show),
        limit: "within 2 s".to_owned(),
        met: back.is_some_and(|back| back - resumed + PART <= MAX_TIME),
    }
}

/// Makes calls at a steady rate. When each was sent, and whether it succeeded.
async fn call(endpoint: &str, start: Instant) -> Vec<(Duration, bool)> {
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(Clients::connect(endpoint, "quiet").await);
    }
    let mut calls = JoinSet::new();
    let mut results = Vec::new();
    for number in 0.. {
        let at = Duration::from_micros(number * 1_000_000 / OFFERED);
        if at > BEFORE + PAUSE + AFTER {
            break;
        }
        sleep(at.saturating_sub(start.elapsed())).await;
        let mut groups = clients[number as usize % 8].groups.clone();
        calls.spawn(async move {
            let selection =
                Selection::of_expression("G0 OR G1 AND NOT G2", SelectionOptions::default());
            let mut request = Request::new(CountSegmentMembersRequest {
                selection: Some(selection),
            });
            request.set_timeout(DEADLINE);
            (at, groups.count_segment_members(request).await.is_ok())
        });
        while let Some(result) = calls.try_join_next() {
            results.push(result.expect("no panic"));
        }
    }
    results.extend(calls.join_all().await);
    results
}

/// Stops PostgreSQL for a time. Returns when it went on.
async fn pause(cluster: &Cluster, start: Instant) -> Duration {
    sleep(BEFORE.saturating_sub(start.elapsed())).await;
    let processes = processes(cluster);
    for process in &processes {
        // A backend may have ended.
        let _ = kill(*process, Signal::SIGSTOP);
    }
    sleep(PAUSE).await;
    for process in &processes {
        let _ = kill(*process, Signal::SIGCONT);
    }
    start.elapsed()
}

/// The server's process and its children.
fn processes(cluster: &Cluster) -> Vec<Pid> {
    let server = cluster.process_id().expect("it runs");
    let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
    let children = children.expect("its children are listed");
    let children = children
        .split_whitespace()
        .map(|id| id.parse().expect("a number"));
    let server = i32::try_from(server).expect("a process id");
    std::iter::once(server)
        .chain(children)
        .map(Pid::from_raw)
        .collect()
}
