//! Reads through a server with a standby and one without, while others write: nothing goes back in time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mailing_groups::server::Limits;

use crate::support::{Pool, Replication, Server, Tenant, migrate, person};

/// How many groups and contacts are created.
const EACH: usize = 100;

/// How many groups and contacts any answer had.
#[derive(Default)]
struct Known {
    groups: AtomicUsize,
    contacts: AtomicUsize,
}

/// Creates groups and contacts in turn.
async fn write(mut tenant: Tenant, known: Arc<Known>) {
    for number in 1..=EACH {
        tenant.group(&format!("W{number:04}")).await;
        known.groups.fetch_max(number, Ordering::SeqCst);
        tenant.create(person(&format!("P{number:04}"), "")).await;
        known.contacts.fetch_max(number, Ordering::SeqCst);
    }
}

/// Reads; no answer has fewer than any answer had before the call.
async fn read(mut tenant: Tenant, known: Arc<Known>) {
    while known.contacts.load(Ordering::SeqCst) < EACH {
        let before = known.groups.load(Ordering::SeqCst);
        let groups = tenant.all_codes().await.len();
        assert!(groups >= before, "{groups} groups after {before}");
        known.groups.fetch_max(groups, Ordering::SeqCst);
        let before = known.contacts.load(Ordering::SeqCst);
        let contacts = tenant.details("*").await.len();
        assert!(contacts >= before, "{contacts} contacts after {before}");
        known.contacts.fetch_max(contacts, Ordering::SeqCst);
    }
}

async fn nothing_goes_back(pair: &Replication) {
    let (url, standby) = (pair.primary_url(), pair.standby_url());
    migrate(url).await;
    let servers = [
        Server::with_replica(url, standby),
        Server::with_replica(url, standby),
        Server::via(url, url, Pool::default(), Limits::default()).await,
    ];
    let writer = Tenant::of(&servers[2], "t").await;
    let known = Arc::new(Known::default());
    let mut tasks = Vec::new();
    for server in &servers {
        for _ in 0..2 {
            let tenant = Tenant::of(server, "t").await;
            tasks.push(tokio::spawn(read(tenant, Arc::clone(&known))));
        }
    }
    write(writer, known).await;
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_older_than_an_earlier_one() {
    let pair = Replication::start().await;
    tokio::select! {
        () = nothing_goes_back(&pair) => {}
        () = pair.lag() => {}
    }
}
