//! Random histories of concurrent calls over two servers, against a model in memory: every answer
//! has a revision, so the calls can be done again in that order, and have to give the same.
//!
//! `MODEL_SEED` repeats a history as far as timing allows, and `MODEL_ROUNDS` makes it longer.

mod calls;
mod compare;
mod contacts;
mod expression;
mod history;
mod random;
mod segments;
mod send;
mod send_segments;
mod state;

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use futures_util::future::join_all;
use mailing_groups::server::Limits;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use self::{
    calls::Call,
    compare::Observed,
    history::{History, Record},
};
use crate::support::{Replication, Server, Tenant, assert_consistent, info, migrate};

const CALLERS: i64 = 8;

/// Calls of each caller between two comparisons.
const CALLS: usize = 40;

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|it| it.parse().unwrap())
}

/// Makes random calls. `reached` is the last revision that any caller knows.
async fn write(mut tenant: Tenant, mut rng: StdRng, reached: Arc<AtomicI64>) -> Vec<Record> {
    let mut records = Vec::new();
    for _ in 0..CALLS {
        let call = Call::random(&mut rng);
        let after = reached.load(Ordering::SeqCst);
        let answer = call.clone().send(&mut tenant).await;
        let answer = answer.map_err(|status| info(&status).reason);
        if let Ok((revision, _)) = &answer {
            assert!(*revision >= after, "{call:?} at {revision}, after {after}");
            reached.fetch_max(*revision, Ordering::SeqCst);
        }
        // Each call under way can have made one revision that nobody knows yet.
        let until = reached.load(Ordering::SeqCst) + CALLERS;
        records.push(Record {
            call,
            after,
            until,
            answer,
        });
    }
    records
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_calls_have_the_effects_of_their_revisions() {
    let first = Server::start().await;
    let second = Server::on(&first.database_url, Limits::default()).await;
    play([&first, &second]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_calls_over_a_lagging_standby_have_the_effects_of_their_revisions() {
    let pair = Replication::start().await;
    migrate(pair.primary_url()).await;
    let server = || Server::with_replica(pair.primary_url(), pair.standby_url());
    let (first, second) = (server(), server());
    tokio::select! {
        () = play([&first, &second]) => {}
        () = pair.lag() => {}
    }
}

async fn play([first, second]: [&Server; 2]) {
    let seed = variable("MODEL_SEED").unwrap_or_else(|| rand::rng().random());
    println!("MODEL_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let (one, two) = (Tenant::of(first, "m").await, Tenant::of(second, "m").await);
    let reached = Arc::new(AtomicI64::new(0));
    let mut history = History::new();
    for _ in 0..variable("MODEL_ROUNDS").unwrap_or(4) {
        let callers = (0..CALLERS).map(|n| {
            let tenant = if n % 2 == 0 { one.clone() } else { two.clone() };
            let rng = StdRng::seed_from_u64(rng.random());
            tokio::spawn(write(tenant, rng, reached.clone()))
        });
        let records = join_all(callers).await.into_iter().flat_map(Result::unwrap);
        history.replay(records.collect());
        for mut tenant in [one.clone(), two.clone()] {
            let observed = Observed::read(&first.database_url, &mut tenant).await;
            assert!(
                history.last().1.iter().any(|it| it.observed() == observed),
                "{observed:?}, not {:?}",
                history.last().1[0].observed()
            );
            history.keep(|it| it.observed() == observed);
            let (revision, states) = history.last();
            compare::watched(&mut tenant, revision, &states[0]).await;
        }
    }
    assert_consistent(&first.database_url, "m").await;
}
