use futures_util::FutureExt;

use super::*;

#[tokio::test]
async fn a_tenant_takes_at_most_its_share() {
    let semaphore = FairSemaphore::new(3, 2);
    let _permits = (semaphore.acquire(1).await, semaphore.acquire(1).await);
    assert!(semaphore.acquire(1).now_or_never().is_none());
    let other = semaphore.acquire(2).await;
    assert!(semaphore.acquire(3).now_or_never().is_none());
    drop(other);
    assert!(semaphore.acquire(1).now_or_never().is_none());
    semaphore.acquire(3).await;
}

#[tokio::test]
async fn tenants_take_turns() {
    let semaphore = FairSemaphore::new(1, 1);
    let permit = semaphore.acquire(1).await;
    let served = Arc::new(Mutex::new(Vec::new()));
    let waiting = [1, 1, 2, 3].map(|tenant| {
        let (semaphore, served) = (semaphore.clone(), Arc::clone(&served));
        tokio::spawn(async move {
            let _permit = semaphore.acquire(tenant).await;
            served.lock().expect("no panic").push(tenant);
        })
    });
    tokio::task::yield_now().await;
    drop(permit);
    futures_util::future::join_all(waiting).await;
    assert_eq!(*served.lock().expect("no panic"), [2, 3, 1, 1]);
}

#[tokio::test]
async fn in_a_queue_that_stands_every_other_permit_goes_to_the_newest() {
    let semaphore = FairSemaphore::new(1, 1);
    let permit = semaphore.acquire(1).await;
    let served = Arc::new(Mutex::new(Vec::new()));
    let waiting = [1, 2, 3, 4, 5].map(|number| {
        let (semaphore, served) = (semaphore.clone(), Arc::clone(&served));
        tokio::spawn(async move {
            let _permit = semaphore.acquire(1).await;
            served.lock().expect("no panic").push(number);
        })
    });
    tokio::task::yield_now().await;
    waiting[4].abort();
    tokio::task::yield_now().await;
    let long = |it: &mut WaitingCaller| it.since -= 2 * STANDING;
    let waiting_callers = |state: &mut SemaphoreState| {
        let tenant = state.tenants.get_mut(&1).expect("waits");
        tenant.waiting.iter_mut().for_each(long);
    };
    waiting_callers(&mut semaphore.lock());
    drop(permit);
    futures_util::future::join_all(waiting).await;
    assert_eq!(*served.lock().expect("no panic"), [4, 1, 3, 2]);
}

#[tokio::test]
async fn callers_that_go_away_take_no_permit_and_leave_nothing() {
    let semaphore = FairSemaphore::new(1, 1);
    let permit = semaphore.acquire(1).await;
    let mut gone = Box::pin(semaphore.acquire(1));
    let mut served = Box::pin(semaphore.acquire(2));
    assert!(gone.as_mut().now_or_never().is_none());
    assert!(served.as_mut().now_or_never().is_none());
    drop(gone);
    drop(permit);
    // The permit is sent, but its caller goes away before it takes it.
    drop(served);
    drop(semaphore.acquire(3).await);
    assert!(semaphore.lock().tenants.is_empty() && semaphore.lock().free == 1);
}

#[tokio::test]
async fn while_processors_are_short_one_is_left_to_the_others() {
    let semaphore = FairSemaphore::new(usize::MAX, usize::MAX).leaving_a_core();
    semaphore.lock().contention = Contention::high_for(Duration::from_secs(60));
    let take = |tenant| semaphore.acquire(tenant).now_or_never();
    let most = (cpu::cores() - 1).max(1);
    let alone: Vec<_> = (0..=most).filter_map(|_| take(1)).collect();
    assert_eq!(alone.len(), most + 1);
    drop(alone);
    let other = take(2);
    let shared: Vec<_> = (0..=most).filter_map(|_| take(1)).collect();
    assert_eq!(shared.len(), most);
    drop((other, shared));
    semaphore.lock().contention = Contention::default();
    let free: Vec<_> = (0..=most).filter_map(|_| take(1)).collect();
    assert_eq!(free.len(), most + 1);
}
