//! One connection to the database goes silent: its packets are lost, without a reset. The others answer.

use std::time::{Duration, Instant};

use mailing_groups::server::Limits;
use tokio::task::JoinSet;
use tonic::Code;

use crate::support::{
    Network, Pool, Proxy, Server, Tenant, assert_consistent, company, database, migrate, new_group,
    person, within,
};

/// The silence is noticed within 4 s. Without that, unary calls would wait for a minute and streams for an
/// hour.
const BOUND: Duration = Duration::from_secs(30);

struct Scene {
    proxy: Proxy,
    url: String,
    tenant: Tenant,
}

async fn scene() -> Scene {
    let url = database().await;
    migrate(&url).await;
    let proxy = Proxy::before(&url).await;
    let server = Server::via(proxy.url(), &url, Pool::default(), Limits::default()).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    for contact in [company("A"), person("SILENT", "A")] {
        tenant.create(contact).await;
    }
    Scene { proxy, url, tenant }
}

#[tokio::test]
async fn a_batch_on_a_silent_connection_does_not_hold_up_the_next() {
    let scene = scene().await;
    let mut tenant = scene.tenant.clone();
    let began = Instant::now();
    scene.proxy.set(Network::SilentAfter("SILENT"));
    let mut first = tenant.clone();
    let first = tokio::spawn(async move { first.try_assign("SILENT", "MOVE").await });
    scene.proxy.until_up().await;
    within(tenant.assign("A", "MOVE")).await;
    println!("assigned {:?} after the silence", began.elapsed());
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    if let Err(status) = within(first).await.unwrap() {
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    }
    assert_eq!(tenant.members("MOVE").await, ["A", "SILENT"]);
}

#[tokio::test]
async fn a_transaction_on_a_silent_connection_does_not_keep_the_lock() {
    let scene = scene().await;
    let mut tenant = scene.tenant.clone();
    let began = Instant::now();
    scene.proxy.set(Network::SilentAfter("SILENT"));
    let mut first = tenant.clone();
    let write = async move { first.create_group(new_group("SILENT", ""), "").await };
    let first = tokio::spawn(write);
    scene.proxy.until_up().await;
    within(tenant.group("GIFT")).await;
    println!("written {:?} after the silence", began.elapsed());
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    let status = within(first).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_consistent(&scene.url, "t").await;
}

#[tokio::test]
async fn a_set_that_is_read_on_a_silent_connection_holds_up_no_selection() {
    let scene = scene().await;
    let mut tenant = scene.tenant.clone();
    let began = Instant::now();
    scene.proxy.set(Network::SilentAfter("silent@example.com"));
    let mut reads = JoinSet::new();
    for _ in 0..4 {
        let mut tenant = tenant.clone();
        let selection = crate::support::select("email = \"silent@example.com\"");
        reads.spawn(async move { tenant.stream(selection).await.map(|it| it.ids()) });
    }
    // The callers share one read.
    while let Some(read) = within(reads.join_next()).await {
        match read.unwrap() {
            Ok(ids) => assert_eq!(ids, Vec::<String>::new()),
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
        }
    }
    let again = crate::support::select("email = \"silent@example.com\"");
    within(tenant.stream(again)).await.unwrap();
    println!("selected {:?} after the silence", began.elapsed());
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
}
