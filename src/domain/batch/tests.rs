//! What a caller of a batch can rely on, whatever the other callers do.

mod fake;

use std::sync::atomic::Ordering;

use self::fake::{Ask, Fake, outcome};
use super::*;

#[tokio::test]
async fn a_lone_call_runs_at_once_and_leaves_nothing_behind() {
    let fake = Fake::new(1, 100);
    let call = fake.busy("a").await;
    fake.open(1);
    assert_eq!(outcome(call).await.ok(), Some(0));
    fake.is_idle().await;
}

#[tokio::test]
async fn calls_gather_while_a_batch_is_in_flight_and_each_gets_its_own_outcome() {
    let fake = Fake::new(1, 100);
    let first = fake.busy("a").await;
    let one = fake.call("a", Ask::Number(1)).await;
    let refused = fake.call("a", Ask::Refused).await;
    let two = fake.call("a", Ask::Number(2)).await;
    fake.open(2);
    assert_eq!(
        fake.started().await.1,
        [Ask::Number(1), Ask::Refused, Ask::Number(2)]
    );
    assert_eq!(outcome(first).await.ok(), Some(0));
    assert_eq!(outcome(one).await.ok(), Some(1));
    assert!(matches!(outcome(refused).await, Err(Error::Invalid(_))));
    assert_eq!(outcome(two).await.ok(), Some(2));
    fake.is_idle().await;
}

#[tokio::test]
async fn a_batch_is_bounded_and_the_rest_follows_in_order() {
    let fake = Fake::new(1, 100);
    fake.busy("a").await;
    for number in 1..=20 {
        fake.call("a", Ask::Number(number)).await;
    }
    fake.open(10);
    let mut sizes = Vec::new();
    let mut all = Vec::new();
    while all.len() < 20 {
        let batch = fake.started().await.1;
        sizes.push(batch.len());
        all.extend(batch);
    }
    assert_eq!(sizes, [8, 8, 4]);
    assert_eq!(all, (1..=20).map(Ask::Number).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_item_that_makes_a_batch_fail_or_panic_fails_alone() {
    for bad in [Ask::Poison, Ask::Panic] {
        let fake = Fake::new(1, 100);
        fake.busy("a").await;
        let mut good = Vec::new();
        for number in 1..=3 {
            good.push(fake.call("a", Ask::Number(number)).await);
        }
        let bad = fake.call("a", bad).await;
        for number in 4..=7 {
            good.push(fake.call("a", Ask::Number(number)).await);
        }
        fake.open(100);
        for (call, number) in good.into_iter().zip(1..) {
            assert_eq!(outcome(call).await.ok(), Some(number));
        }
        assert!(matches!(outcome(bad).await, Err(Error::Internal(_))));
        fake.is_idle().await;
    }
}

#[tokio::test]
async fn a_fault_that_is_no_items_ends_all_after_one_attempt() {
    for fault in [Ask::Away, Ask::Full, Ask::Broken] {
        let fake = Fake::new(1, 100);
        fake.busy("a").await;
        let one = fake.call("a", Ask::Number(1)).await;
        let faulty = fake.call("a", fault).await;
        fake.open(2);
        for call in [one, faulty] {
            match (fault, outcome(call).await) {
                (Ask::Away, Err(Error::Unavailable(_))) => {}
                (Ask::Full, Err(Error::DatabaseFull(_))) => {}
                (Ask::Broken, Err(Error::Internal(_))) => {}
                (_, other) => panic!("{other:?}"),
            }
        }
        assert_eq!(fake.work.finished.load(Ordering::Relaxed), 2);
    }
}

#[tokio::test]
async fn who_waits_while_no_connection_is_to_be_had_is_told_as_well() {
    let fake = Fake::new(1, 100);
    let unreached = fake.call("a", Ask::Unreached).await;
    fake.started().await;
    let waiting = fake.call("a", Ask::Number(1)).await;
    fake.open(1);
    assert!(matches!(
        outcome(unreached).await,
        Err(Error::Unavailable(_))
    ));
    assert!(matches!(outcome(waiting).await, Err(Error::Unavailable(_))));
    fake.is_idle().await;
    let next = fake.call("a", Ask::Number(2)).await;
    fake.open(1);
    assert_eq!(outcome(next).await.ok(), Some(2));
}

#[tokio::test]
async fn the_caller_who_started_a_batch_may_go_without_harm() {
    let fake = Fake::new(1, 100);
    fake.busy("b").await;
    let starter = fake.call("a", Ask::Number(1)).await;
    let other = fake.call("a", Ask::Number(2)).await;
    fake.open(1);
    assert_eq!(fake.started().await.1, [Ask::Number(1), Ask::Number(2)]);
    starter.abort();
    assert!(starter.await.is_err());
    fake.open(1);
    assert_eq!(outcome(other).await.ok(), Some(2));
}

#[tokio::test]
async fn who_goes_before_the_batch_starts_is_left_out() {
    let fake = Fake::new(1, 100);
    fake.busy("a").await;
    let gone = fake.call("a", Ask::Number(1)).await;
    let other = fake.call("a", Ask::Number(2)).await;
    gone.abort();
    assert!(gone.await.is_err());
    fake.open(2);
    assert_eq!(fake.started().await.1, [Ask::Number(2)]);
    assert_eq!(outcome(other).await.ok(), Some(2));
}

#[tokio::test]
async fn a_batch_that_nobody_waits_for_any_more_is_given_up() {
    let fake = Fake::new(1, 100);
    let call = fake.busy("a").await;
    call.abort();
    fake.is_idle().await;
    assert_eq!(fake.work.finished.load(Ordering::Relaxed), 0);
    let next = fake.busy("a").await;
    fake.open(1);
    assert_eq!(outcome(next).await.ok(), Some(0));
}

#[tokio::test]
async fn too_many_are_turned_away_at_once_but_not_for_those_who_have_gone() {
    let fake = Fake::new(1, 3);
    fake.busy("a").await;
    let mut waiting = Vec::new();
    for number in 1..=3 {
        waiting.push(fake.call("a", Ask::Number(number)).await);
    }
    let over = fake.call("a", Ask::Number(4)).await;
    assert!(matches!(outcome(over).await, Err(Error::Overloaded)));
    let other_tenant = fake.call("b", Ask::Number(5)).await;
    waiting[1].abort();
    tokio::task::yield_now().await;
    let instead = fake.call("a", Ask::Number(6)).await;
    fake.open(3);
    assert_eq!(outcome(instead).await.ok(), Some(6));
    assert_eq!(outcome(other_tenant).await.ok(), Some(5));
}

#[tokio::test]
async fn tenants_take_turns_however_much_one_of_them_asks() {
    let fake = Fake::new(1, 100);
    fake.busy("greedy").await;
    for number in 0..30 {
        fake.call("greedy", Ask::Number(number)).await;
    }
    let modest = fake.call("modest", Ask::Number(7)).await;
    fake.open(3);
    let order = [fake.started().await.0, fake.started().await.0];
    assert!(order.contains(&"modest".to_owned()), "{order:?}");
    assert_eq!(outcome(modest).await.ok(), Some(7));
}

#[tokio::test]
async fn batches_in_flight_are_bounded() {
    let fake = Fake::new(2, 100);
    for tenant in ["a", "b", "c"] {
        fake.call(tenant, Ask::Number(1)).await;
    }
    let mut tenants = vec![fake.started().await.0, fake.started().await.0];
    assert!(fake.started.lock().expect("free").try_recv().is_err());
    fake.open(1);
    tenants.push(fake.started().await.0);
    assert_eq!(tenants, ["a", "b", "c"]);
}

#[tokio::test]
async fn items_that_claim_the_same_run_one_batch_after_the_other() {
    let fake = Fake::new(1, 100);
    fake.busy("a").await;
    let asks = [
        Ask::Own("x"),
        Ask::Shared("y"),
        Ask::Own("x"),
        Ask::Shared("x"),
        Ask::Own("y"),
        Ask::Shared("y"),
        Ask::Own("z"),
    ];
    for ask in asks {
        fake.call("a", ask).await;
    }
    fake.open(10);
    let next = fake.started().await.1;
    assert_eq!(next, [asks[0], asks[1], asks[5], asks[6]]);
    assert_eq!(fake.started().await.1, [asks[2], asks[4]]);
    assert_eq!(fake.started().await.1, [asks[3]]);
}

#[test]
fn a_call_that_outlives_its_batch_at_the_end_of_the_program_is_told_so() {
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    let (ending, other) = (runtime(), runtime());
    let fake = Fake::new(1, 100);
    let mut call = Box::pin(fake.future("a", Ask::Number(1)));
    ending.block_on(async {
        assert!(futures_util::poll!(&mut call).is_pending());
        fake.started().await;
    });
    drop(ending);
    assert!(matches!(other.block_on(call), Err(Error::ShuttingDown)));
}
