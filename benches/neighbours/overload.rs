//! 32 times as many callers as at capacity, and another tenant's calls meanwhile.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use mailing_groups::pb::{
    AssignMailingGroupRequest, CountSegmentMembersRequest, GetContactRequest, Selection,
    SelectionOptions,
};

use super::quiet::{CALLS, Latencies, Quiet};
use crate::support::{
    figures::{grouped, quantile, time},
    load::{Done, Load, frame},
    report::Limit,
};

/// Connections, and calls in flight on each: at capacity, and overloaded.
const CAPACITY: (usize, usize) = (64, 8);
const OVERLOAD: (usize, usize) = (64, 256);

/// In which time all callers come. No server answers 16,000 calls at once within a few milliseconds.
const RAMP: Duration = Duration::from_secs(1);

/// What is called, with messages of its own.
struct Kind {
    name: &'static str,
    path: &'static str,
    message: fn(usize) -> Bytes,
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "assigns",
        path: "/mailinggroups.v1.MailingGroups/AssignMailingGroup",
        message: |n| {
            frame(&AssignMailingGroupRequest {
                contact_id: format!("L{:06}", n % 100_000),
                code: format!("W{}", n / 100_000),
            })
        },
    },
    Kind {
        name: "counts",
        path: "/mailinggroups.v1.MailingGroups/CountSegmentMembers",
        message: |_| {
            let selection =
                Selection::of_expression("W0 OR W1 AND NOT W2", SelectionOptions::default());
            frame(&CountSegmentMembersRequest {
                selection: Some(selection),
            })
        },
    },
    Kind {
        name: "reads",
        path: "/mailinggroups.v1.Contacts/GetContact",
        message: |n| {
            frame(&GetContactRequest {
                id: format!("L{:06}", n % 100_000),
            })
        },
    },
];

/// Measures each kind of call, and all together.
pub(crate) async fn limits(endpoint: &str, quiet: &mut Quiet, time: Duration) -> Vec<Limit> {
    let mut limits = Vec::new();
    // Pairs that are not assigned yet, over all measurements.
    let mut first = 0;
    let mut costs = Vec::new();
    until_free(endpoint, &mut first).await;
    for kinds in [&KINDS[..1], &KINDS[1..2], &KINDS[2..], &KINDS[..]] {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        let name = names.join(", ");
        eprintln!("overload of {name} …");
        let at_capacity = offer(endpoint, kinds, CAPACITY, time, &mut first).await;
        if let [done] = at_capacity.as_slice() {
            costs.push(1.0 / done.per_second());
        }
        let costs = &costs[costs.len() - kinds.len()..];
        let alone = quiet.measure(time).await;
        let (overloaded, beside) = tokio::join!(
            offer(endpoint, kinds, OVERLOAD, time, &mut first),
            quiet.measure(time)
        );
        limits.extend(compare(&name, &at_capacity, &overloaded, costs));
        limits.push(served(&name, &alone, &beside));
        quiet.settle().await;
    }
    limits
}

/// Waits until the tenant has its places again: calls of the loads before may have left their answers
/// unread.
async fn until_free(endpoint: &str, first: &mut usize) {
    let time = Duration::from_millis(500);
    let free = async {
        while !offer(endpoint, &KINDS[2..], CAPACITY, time, first).await[0]
            .refusals
            .is_empty()
        {}
    };
    let waited = tokio::time::timeout(Duration::from_secs(120), free).await;
    waited.expect("places are free again");
}

/// Makes calls of some kinds at the same time; the kinds share the connections.
async fn offer(
    endpoint: &str,
    kinds: &[Kind],
    (connections, in_flight): (usize, usize),
    time: Duration,
    first: &mut usize,
) -> Vec<Done> {
    let count = 40_000 * time.as_secs().max(1) as usize;
    let messages: Vec<Vec<Bytes>> = kinds
        .iter()
        .map(|kind| (*first..*first + count).map(kind.message).collect())
        .collect();
    *first += count;
    let tenants = ["loud".to_owned()];
    let loads = kinds.iter().zip(&messages).map(|(kind, messages)| Load {
        endpoint,
        path: kind.path,
        tenants: &tenants,
        connections: connections / kinds.len(),
        in_flight,
        ramp: RAMP,
        time: RAMP + time,
        messages,
        again: true,
        refusals: true,
    });
    let loads: Vec<Load<'_>> = loads.collect();
    join_all(loads.iter().map(Load::run)).await
}

/// What is measured of a mix. Which kinds are answered more often may differ, so a call counts as much
/// as its cost: the time that it takes at capacity, where only its kind is called.
fn compare(name: &str, at_capacity: &[Done], overloaded: &[Done], costs: &[f64]) -> [Limit; 3] {
    let goodput = work(overloaded, costs) / work(at_capacity, costs);
    let [before, after] = [at_capacity, overloaded].map(|done| p99(done, |it| &it.latencies));
    let refused = p99(overloaded, |done| &done.refusals);
    let refusals: usize = overloaded.iter().map(|done| done.refusals.len()).sum();
    let show = |seconds: f64| time(Duration::from_secs_f64(seconds.max(0.0)));
    [
        Limit {
            what: format!(
                "overload, {name}: answered, of {} at capacity",
                rates(at_capacity)
            ),
            measured: format!("{}, {goodput:.2}", rates(overloaded)),
            limit: "≥ 0.8".to_owned(),
            met: goodput >= 0.8,
        },
        Limit {
            what: format!(
                "overload, {name}: p99 of those, at capacity {}",
                show(before)
            ),
            measured: format!("{}, {:.1} times", show(after), after / before),
            limit: "≤ 5 times".to_owned(),
            met: after <= 5.0 * before,
        },
        Limit {
            what: format!("overload, {name}: p99 of {refusals} refusals"),
            measured: show(refused),
            limit: "≤ 50 ms".to_owned(),
            met: refusals == 0 || refused <= 0.05,
        },
    ]
}

/// The share of the capacity that these calls take.
fn work(done: &[Done], costs: &[f64]) -> f64 {
    let work = done
        .iter()
        .zip(costs)
        .map(|(done, cost)| done.per_second() * cost);
    work.sum()
}

/// The calls a second of each kind.
fn rates(done: &[Done]) -> String {
    let rates = done
        .iter()
        .map(|done| format!("{}/s", grouped(done.per_second())));
    rates.collect::<Vec<_>>().join(", ")
}

/// The 99th percentile over all kinds.
fn p99(done: &[Done], times: fn(&Done) -> &Vec<Duration>) -> f64 {
    let times: Vec<Duration> = done.iter().flat_map(times).copied().collect();
    quantile(&times, 0.99)
}

fn served(name: &str, alone: &[Latencies; 3], beside: &[Latencies; 3]) -> Limit {
    let calls = CALLS.iter().zip(alone).zip(beside);
    let shown = calls
        .map(|((call, alone), beside)| format!("{call} {}, alone {}", beside.show(), alone.show()));
    let failed: usize = beside.iter().map(|latencies| latencies.failed).sum();
    Limit {
        what: format!("overload, {name}: another tenant"),
        measured: format!("{}; {failed} failed", shown.collect::<Vec<_>>().join(", ")),
        limit: "none failed".to_owned(),
        met: failed == 0,
    }
}
