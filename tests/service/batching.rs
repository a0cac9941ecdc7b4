//! Concurrent calls share transactions and are otherwise independent.

mod contacts;

use std::{collections::HashSet, future::Future, time::Duration};

use diesel::sql_query;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::join_all;
use mailing_groups::pb;
use tonic::{Code, Request};

use crate::support::{Server, Tenant, eventually, info, person};

fn assignment(contact_id: &str, code: &str) -> pb::AssignMailingGroupRequest {
    pb::AssignMailingGroupRequest {
        contact_id: contact_id.into(),
        code: code.into(),
    }
}

/// The tenant's clock, held by a transaction that finally makes a revision, as another server on
/// the same database would: writes of the tenant wait and form a batch.
struct Held(AsyncPgConnection);

impl Held {
    async fn of(tenant: &Tenant) -> Self {
        let url = &Server::shared().await.database_url;
        let mut conn = AsyncPgConnection::establish(url).await.unwrap();
        conn.batch_execute(&format!(
            "BEGIN; \
             WITH moved AS ( \
                 UPDATE clocks c SET revision = c.revision + 1 FROM tenants t \
                 WHERE t.tenant_id = c.tenant_id AND t.name = '{}' RETURNING c.*) \
             INSERT INTO revisions (tenant_id, revision, commit_time, request_id) \
             SELECT tenant_id, revision, now(), 'another' FROM moved",
            tenant.name
        ))
        .await
        .unwrap();
        Self(conn)
    }

    /// Waits until another transaction waits for the clock.
    async fn is_wanted(&mut self) {
        loop {
            // Counts the transactions that wait for this one.
            let waiting = sql_query(
                "SELECT FROM pg_locks \
                 WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))",
            );
            if waiting.execute(&mut self.0).await.unwrap() > 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn release(mut self) {
        self.0.batch_execute("COMMIT").await.unwrap();
    }
}

/// Waits until the server has read the calls that this tenant's connection has sent: it answers a
/// read that was sent after them.
async fn arrived(tenant: &Tenant) {
    for _ in 0..3 {
        // Runs the tasks that send the calls.
        tokio::task::yield_now().await;
        tenant.clone().get_group("MOVE").await.unwrap();
    }
}

/// Starts calls, each in a task of its own.
async fn started<F>(calls: impl IntoIterator<Item = F>) -> Vec<tokio::task::JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    calls.into_iter().map(tokio::spawn).collect()
}

async fn ended<T>(calls: Vec<tokio::task::JoinHandle<T>>) -> Vec<T> {
    join_all(calls)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

/// A tenant with a group and 256 contacts.
async fn filled() -> Tenant {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    let create = |n: usize| {
        let mut tenant = tenant.clone();
        async move { tenant.create(person(&format!("C{n}"), "")).await }
    };
    join_all((0..256).map(create)).await;
    tenant
}

async fn revision(tenant: &mut Tenant) -> i64 {
    let again = tenant.assign("C0", "MOVE").await;
    assert!(again.was_assigned);
    again.revision
}

#[tokio::test]
async fn many_concurrent_assignments_take_few_revisions_and_count_exactly() {
    let mut tenant = filled().await;
    tenant.assign("C0", "MOVE").await;
    let before = revision(&mut tenant).await;
    let mut held = Held::of(&tenant).await;
    let assign = |n: usize| {
        let mut tenant = tenant.clone();
        async move { tenant.assign(&format!("C{n}"), "MOVE").await }
    };
    let first = started([assign(1)]).await;
    held.is_wanted().await;
    let rest = started((2..250).map(assign)).await;
    arrived(&tenant).await;
    held.release().await;
    let answers = [ended(first).await, ended(rest).await].concat();
    assert!(answers.iter().all(|answer| !answer.was_assigned));
    let revisions: HashSet<i64> = answers.iter().map(|answer| answer.revision).collect();
    assert!(revisions.len() < 50, "{} revisions", revisions.len());
    for answer in &answers {
        let membership = answer.membership.as_ref().unwrap();
        assert_eq!(membership.revision, answer.revision);
    }
    let made = revision(&mut tenant).await - before;
    assert_eq!(made, 1 + i64::try_from(revisions.len()).unwrap());
    let group = tenant.get_group("MOVE").await.unwrap();
    assert_eq!((group.contact_count, group.person_count), (250, 250));
    let contact = tenant.get_contact("C7").await.unwrap();
    assert_eq!(contact.mailing_group_count, 1);
}

#[tokio::test]
async fn each_caller_of_a_batch_gets_its_own_outcome() {
    let mut tenant = filled().await;
    tenant.assign("C0", "MOVE").await;
    tenant.group("OLD").await;
    tenant
        .groups
        .rename_mailing_group(pb::RenameMailingGroupRequest {
            code: "OLD".into(),
            new_code: "NEW".into(),
            etag: String::new(),
            ..Default::default()
        })
        .await
        .unwrap();
    let mut held = Held::of(&tenant).await;
    let assign = |contact_id: String, code: &'static str| {
        let mut groups = tenant.groups.clone();
        let request = assignment(&contact_id, code);
        async move { groups.assign_mailing_group(request).await }
    };
    let blocking = started([assign("C0".into(), "MOVE")]).await;
    held.is_wanted().await;
    let calls = (0..50).flat_map(|n| {
        [
            assign(format!("C{n}"), "MOVE"),
            assign(format!("C{n}"), "MOVE"),
            assign(format!("nobody-{n}"), "MOVE"),
            assign(format!("C{n}"), "NONE"),
            assign(format!("C{n}"), "OLD"),
        ]
    });
    let calls = started(calls).await;
    held.release().await;
    ended(blocking).await;
    for (n, outcomes) in ended(calls).await.chunks(5).enumerate() {
        let twice = outcomes[..2].iter();
        let new = twice.filter(|o| !o.as_ref().unwrap().get_ref().was_assigned);
        assert_eq!(new.count(), usize::from(n != 0), "C{n} was given MOVE");
        let status = outcomes[2].as_ref().unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(info(status).metadata["name"], format!("nobody-{n}"));
        let status = outcomes[3].as_ref().unwrap_err();
        assert_eq!(info(status).reason, "MAILING_GROUP_NOT_FOUND");
        let status = outcomes[4].as_ref().unwrap_err();
        assert_eq!(info(status).metadata["current"], "NEW");
    }
    let group = tenant.get_group("MOVE").await.unwrap();
    assert_eq!(group.contact_count, 50);
}

#[tokio::test]
async fn cancelled_and_expired_calls_do_not_affect_other_calls() {
    let mut tenant = filled().await;
    let mut held = Held::of(&tenant).await;
    let assign = |n: usize, time: Duration| {
        let mut groups = tenant.groups.clone();
        let mut request = Request::new(assignment(&format!("C{n}"), "MOVE"));
        request.set_timeout(time);
        async move { groups.assign_mailing_group(request).await }
    };
    let patient = Duration::from_secs(30);
    let first = started([assign(0, patient)]).await;
    held.is_wanted().await;
    let hasty = started((100..120).map(|n| assign(n, Duration::from_millis(100)))).await;
    let gone = started((120..140).map(|n| assign(n, patient))).await;
    let good = started((1..100).map(|n| assign(n, patient))).await;
    for outcome in ended(hasty).await {
        // If the client's own timer fires first, the status is CANCELLED.
        let code = outcome.unwrap_err().code();
        assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled));
    }
    gone.iter().for_each(tokio::task::JoinHandle::abort);
    held.release().await;
    for outcome in ended(first).await.into_iter().chain(ended(good).await) {
        assert!(!outcome.unwrap().into_inner().was_assigned);
    }
    // A cancelled call may still commit.
    let members = eventually(async || {
        let members = tenant.members("MOVE").await;
        let group = tenant.get_group("MOVE").await.unwrap();
        let count = i64::try_from(members.len()).unwrap();
        (group.contact_count == count).then_some(members)
    })
    .await;
    assert!(members.len() >= 100, "{}", members.len());
}
