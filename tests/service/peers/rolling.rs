//! Servers behind a proxy stop and start again one after the other, under load: no call that may be repeated
//! is lost.

use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::proxy::Proxy;
use crate::{
    rolling::Pair,
    support::{Tenant, serve, within},
};

const RESTARTS: usize = 20;

/// Calls until stopped; each call has to succeed.
async fn call(channel: Channel, stop: CancellationToken) -> usize {
    let mut tenant = Tenant::over(channel, "default");
    let mut answered = 0;
    while !stop.is_cancelled() {
        within(tenant.get_contact("P")).await.unwrap();
        within(tenant.try_assign("P", "MOVE")).await.unwrap();
        answered += 2;
    }
    answered
}

async fn restarts_lose_no_call(mut pair: Pair, proxy: Proxy) {
    let mut direct = Tenant::over(serve::channel(pair.addresses()[0]), "default");
    direct.group("MOVE").await;
    let mut channels = Vec::new();
    for _ in 0..8 {
        channels.push(proxy.channel().await);
    }
    let client = |number: usize, stop| call(channels[number % channels.len()].clone(), stop);
    let answered = pair.restart_under(RESTARTS, client).await;
    println!("{answered} calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx: make test-peers"]
async fn restarts_behind_nginx_lose_no_call() {
    let pair = Pair::start().await;
    let proxy = Proxy::nginx_before(pair.addresses());
    restarts_lose_no_call(pair, proxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs HAProxy: make test-peers"]
async fn restarts_behind_haproxy_lose_no_call() {
    let pair = Pair::start().await;
    let proxy = Proxy::haproxy_before(pair.addresses());
    restarts_lose_no_call(pair, proxy).await;
}
