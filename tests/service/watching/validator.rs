//! The guarantees of a watch, checked over the messages that watchers got under concurrent writes.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mailing_groups::{
    pb::{WatchChangesRequest, change::Change, watch_changes_response::Message},
    server::Limits,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    feed::{after, beginning, reported},
    history::{self, Entry, entry},
    model::Model,
};
use crate::{
    concurrency::act,
    support::{Server, Sql, Tenant, assert_consistent, company, eventually, person},
};

/// The servers that run at the moment.
type Current = Arc<Mutex<Arc<Server>>>;

fn server(current: &Current) -> Arc<Server> {
    current.lock().unwrap().clone()
}

/// The messages that a watcher got, reduced to its state.
#[derive(Default)]
pub(crate) struct Seen {
    model: Model,
    /// The revision of the snapshot that it started with.
    start: i64,
    entries: Vec<Entry>,
    /// The last revision that is complete.
    pub(crate) place: i64,
    /// The revision that is incomplete so far.
    open: Option<i64>,
    resumed: usize,
}

impl Seen {
    /// Applies a message, after the checks that need no other message.
    pub(crate) fn take(&mut self, message: Message) {
        match message {
            Message::Snapshot(part) => self.model.fill(part),
            Message::SnapshotEnd(end) => (self.start, self.place) = (end.revision, end.revision),
            Message::Progress(progress) => {
                assert_eq!(self.open, None, "atomic");
                assert!(progress.revision >= self.place, "bookmarked");
                self.place = progress.revision;
            }
            Message::Changes(changes) => {
                let (revision, more) = (changes.revision, changes.more);
                match self.open {
                    Some(open) => assert_eq!(revision, open, "atomic"),
                    None => assert!(revision > self.place, "ordered, unique, bookmarked"),
                }
                for change in reported(changes) {
                    self.entries.push(entry(revision, &change));
                    self.model.apply(change);
                }
                self.open = more.then_some(revision);
                if !more {
                    self.place = revision;
                }
            }
        }
    }
}

impl Seen {
    /// How a watch that began with `first` goes on. An interrupted snapshot starts again; so does a
    /// revision that is incomplete.
    pub(crate) fn resume(&mut self, first: WatchChangesRequest) -> WatchChangesRequest {
        assert_eq!(self.open, None, "no revision here is large");
        self.resumed += 1;
        if self.place > 0 {
            return after(self.place);
        }
        (self.model, self.entries) = (Model::default(), Vec::new());
        first
    }

    /// Compares it with the tables, whose last revision it has reached.
    pub(crate) async fn validate(&self, sql: &Sql, tenant: &str) {
        let (log, stored) = (
            history::stored(sql, tenant).await,
            Model::stored(sql, tenant).await,
        );
        validate(self, &log, &stored);
    }
}

/// Watches up to the revision `upto`, over as many streams as needed. `cut` decides whether to cut
/// the stream after a message.
async fn watch(
    current: Current,
    first: WatchChangesRequest,
    mut cut: impl FnMut() -> bool,
    upto: Arc<Mutex<Option<i64>>>,
) -> Seen {
    let mut seen = Seen::default();
    let mut request = first.clone();
    loop {
        let server = server(&current);
        let Ok(mut feed) = Tenant::of(&server, "churn")
            .await
            .watch(request.clone())
            .await
        else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        loop {
            if upto.lock().unwrap().is_some_and(|upto| seen.place >= upto) {
                return seen;
            }
            match feed.message().await {
                Ok(message) => seen.take(message),
                Err(status) => {
                    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
                    break;
                }
            }
            let in_snapshot = seen.start == 0 && request == beginning() && seen.place == 0;
            if seen.open.is_none() && !in_snapshot && cut() {
                break;
            }
        }
        request = seen.resume(first.clone());
    }
}

/// Writes at random until cancelled.
async fn write(current: Current, seed: u64, stop: Arc<AtomicBool>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut from = server(&current);
    let mut tenant = Tenant::of(&from, "churn").await;
    while !stop.load(Ordering::Relaxed) {
        let now = server(&current);
        if !Arc::ptr_eq(&from, &now) {
            (tenant, from) = (Tenant::of(&now, "churn").await, now);
        }
        // The response does not matter.
        let _ = act(&mut tenant, &mut rng).await;
    }
}

/// Imports contacts and memberships until cancelled, and deletes some of them.
async fn import(current: Current, stop: Arc<AtomicBool>) {
    let mut tenant = Tenant::of(&server(&current), "churn").await;
    for round in 0.. {
        let contact = |n: usize| company(&format!("I{}-{n}", round % 3));
        let contacts: Vec<_> = (0..200).map(contact).collect();
        let ids = contacts.iter().map(|contact| contact.id.clone());
        let pairs: Vec<_> = ids.map(|id| (id, "KEEP".to_owned())).collect();
        tenant.import_contacts(&contacts).await;
        tenant.import_memberships(&pairs).await;
        for n in 0..10 {
            let _ = tenant
                .delete_contact(&format!("I{}-{n}", round % 3), "", true)
                .await;
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Groups and contacts, so that what is done at random finds some.
async fn fill(tenant: &mut Tenant) {
    tenant.group("KEEP").await;
    for n in 0..12 {
        tenant.group(&format!("G{n}")).await;
    }
    for n in 20..30 {
        tenant.create(company(&format!("K{n}"))).await;
    }
    for n in 0..20 {
        tenant.create(person(&format!("K{n}"), "")).await;
    }
}

/// Waits until the tenant has reached a revision.
async fn until(sql: &Sql, revision: i64) {
    let now = "SELECT revision FROM clocks";
    eventually(async || (sql.number(now, &[]).await >= revision).then_some(())).await;
}

/// Compares the state of one watcher with the log and the tables.
fn validate(seen: &Seen, log: &[Entry], stored: &Model) {
    let wanted: Vec<_> = log.iter().filter(|entry| entry.0 > seen.start).collect();
    assert_eq!(seen.entries.len(), wanted.len(), "reliable");
    for (reported, wanted) in seen.entries.iter().zip(wanted) {
        assert_eq!(reported, wanted);
    }
    assert_eq!(
        seen.model, *stored,
        "the reported changes make up the state"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_report_exactly_the_written_changes() {
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let stays = Arc::new(Server::start().await);
    let url = stays.database_url.clone();
    let mut tenant = Tenant::of(&stays, "churn").await;
    fill(&mut tenant).await;
    let changing = Arc::new(Server::on(&url, Limits::default()).await);
    let changing: Current = Arc::new(Mutex::new(changing));
    let stays: Current = Arc::new(Mutex::new(stays));
    let stop = Arc::new(AtomicBool::default());
    let mut writers = vec![tokio::spawn(import(stays.clone(), stop.clone()))];
    for current in [&stays, &changing, &stays] {
        writers.push(tokio::spawn(write(
            current.clone(),
            rng.random(),
            stop.clone(),
        )));
    }
    let sql = Sql::connect(&url).await;
    let upto = Arc::new(Mutex::new(None));
    let mut watchers = Vec::new();
    for n in 0..6_u64 {
        let current = if n % 2 == 0 { &stays } else { &changing };
        let request = if n < 3 { after(0) } else { beginning() };
        let mut dice = StdRng::seed_from_u64(seed ^ n);
        let often = if n % 3 == 2 { 0.0 } else { 0.1 };
        let cut = move || dice.random_bool(often);
        watchers.push(tokio::spawn(watch(
            current.clone(),
            request,
            cut,
            upto.clone(),
        )));
        until(&sql, 100 + 30 * i64::try_from(n).unwrap()).await;
    }
    let restarted = Arc::new(Server::on(&url, Limits::default()).await);
    let old = std::mem::replace(&mut *changing.lock().unwrap(), restarted);
    old.shutdown.cancel();
    until(&sql, 400).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let last = tenant.create(company("THE-LAST")).await.revision;
    *upto.lock().unwrap() = Some(last);
    let (log, stored) = (
        history::stored(&sql, "churn").await,
        Model::stored(&sql, "churn").await,
    );
    let mut resumed = 0;
    for watcher in watchers {
        let seen = watcher.await.unwrap();
        resumed += seen.resumed;
        validate(&seen, &log, &stored);
    }
    assert!(
        last > 300 && resumed > 20,
        "{last} revisions, {resumed} cuts"
    );
    assert_consistent(&url, "churn").await;
}

#[test]
fn the_validator_detects_missing_changes() {
    let log = vec![(1, 9, "A".to_owned(), String::new(), vec![])];
    let deleted =
        Change::MailingGroupDeleted(mailing_groups::pb::MailingGroupDeleted { code: "A".into() });
    assert_eq!(entry(1, &deleted), log[0]);
    let outcome = std::panic::catch_unwind(|| validate(&Seen::default(), &log, &Model::default()));
    assert!(outcome.is_err());
}
