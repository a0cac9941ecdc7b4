//! Readers: notification delay, slow and disconnected readers, large revisions, ends.

use std::time::{Duration, Instant};

use mailing_groups::{
    pb::{
        DeleteTenantRequest, change::Change, tenants_client::TenantsClient,
        watch_changes_response::Message,
    },
    server::Limits,
};
use tonic::Code;
use tonic_types::StatusExt;

use super::feed::{Feed, after, now, reported};
use crate::support::{Server, Sql, Tenant, company, info, pairs, person, within};

/// The shortest time from the response to a write until a watch reports it; the shortest because
/// The shortest time from the response to a write until a watch reports it; the shortest because
/// the machine may be busy.
async fn latency(writer: &mut Tenant, feed: &mut Feed) -> Duration {
    feed.until_progress().await;
    let mut shortest = Duration::MAX;
    for n in 0..41 {
        writer.create(company(&format!("C{n}"))).await;
        let answered = Instant::now();
        feed.changes().await;
        // The first one may come right before the server looks by itself; each later write
        // follows a look, so that without a notification it waits for the whole interval.
        if n > 0 {
            shortest = shortest.min(answered.elapsed());
        }
    }
    shortest
}

#[tokio::test]
async fn a_watcher_on_any_replica_is_notified_of_a_write() {
    let server = Server::start().await;
    let other = Server::on(&server.database_url, Limits::default()).await;
    let mut writer = Tenant::of(&server, "soon").await;
    for server in [&server, &other] {
        let mut tenant = Tenant::of(server, "soon").await;
        let mut feed = tenant.watch(now()).await.unwrap();
        let shortest = latency(&mut writer, &mut feed).await;
        assert!(shortest < Duration::from_millis(50), "{shortest:?}");
        for n in 0..41 {
            writer
                .delete_contact(&format!("C{n}"), "", false)
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn waiting_watches_hold_no_connection_and_slow_ones_do_not_delay_others() {
    let server = Server::start().await;
    let mut writer = Tenant::of(&server, "many").await;
    let contact = |n: usize| mailing_groups::pb::Contact {
        email: format!("{}@example.org", "y".repeat(200)),
        ..company(&format!("C{n:05}"))
    };
    let contacts: Vec<_> = (0..8_000).map(contact).collect();
    writer.import_contacts(&contacts).await;
    // Three times as many as there are connections, of which none reads a byte.
    let mut feeds = Vec::new();
    for _ in 0..24 {
        let mut tenant = Tenant::over(server.narrow_channel().await, "many");
        feeds.push(tenant.watch(after(0)).await.unwrap());
    }
    let sql = Sql::connect(&server.database_url).await;
    sql.until_quiet().await;
    // A call that finds no free connection fails.
    within(writer.group("MOVE")).await;
    for feed in &mut feeds {
        let mut count = 0;
        loop {
            for change in reported(feed.changes().await) {
                match change {
                    Change::ContactsCreated(all) => count += all.contacts.len(),
                    _ => count += 1,
                }
            }
            if count == 8_001 {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_large_revision_is_split_into_marked_parts() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "large").await;
    tenant.create(company("C")).await;
    let people: Vec<_> = (0..25_000)
        .map(|n| person(&format!("P{n:05}"), "C"))
        .collect();
    tenant.import_contacts(&people).await;
    let last = tenant.create(company("LAST")).await.revision;
    // Earlier versions wrote such a one. Kind 5: contacts updated.
    let sql = Sql::connect(&server.database_url).await;
    sql.run(
        "UPDATE clocks SET revision = revision + 1;
         INSERT INTO revisions (tenant_id, revision, commit_time, request_id)
             SELECT tenant_id, revision, now(), 'large' FROM clocks;
         INSERT INTO changes (tenant_id, revision, kind, subject_id, contact_numbers)
             SELECT tenant_id, clocks.revision, 5, 0,
                 array_agg(contact_number ORDER BY contact_number)
             FROM clocks JOIN contacts USING (tenant_id) WHERE kind = 2
             GROUP BY tenant_id, clocks.revision",
    )
    .await;
    let mut feed = tenant.watch(after(last)).await.unwrap();
    let (mut ids, mut parts) = (Vec::new(), 0);
    loop {
        let changes = feed.changes().await;
        assert_eq!(changes.revision, last + 1);
        let more = changes.more;
        for change in reported(changes) {
            match change {
                Change::ContactsUpdated(updated) => {
                    assert!(updated.contacts.len() <= 10_000);
                    ids.extend(updated.contacts.into_iter().map(|it| it.id));
                }
                other => panic!("{other:?}"),
            }
        }
        parts += 1;
        if !more {
            break;
        }
    }
    assert!(parts >= 3, "{parts}");
    let people: Vec<_> = people.into_iter().map(|it| it.id).collect();
    assert_eq!(ids, people);
    assert_eq!(feed.until(last + 1).await, []);
}

#[tokio::test]
async fn ten_thousand_changes_of_many_groups_are_one_message() {
    let mut tenant = Tenant::new().await;
    for n in 0..500 {
        tenant.group(&format!("G{n}")).await;
    }
    let contacts: Vec<_> = (0..20).map(|n| company(&format!("C{n}"))).collect();
    tenant.import_contacts(&contacts).await;
    let ids: Vec<_> = (0..10_000)
        .map(|n| (format!("C{}", n / 500), format!("G{}", n % 500)))
        .collect();
    let items: Vec<_> = ids
        .iter()
        .map(|(id, code)| (id.as_str(), code.as_str()))
        .collect();
    let done = tenant.batch_assign(pairs(&items), "").await.unwrap();
    let mut feed = tenant.watch(after(done.revision - 1)).await.unwrap();
    let changes = feed.changes().await;
    assert_eq!(
        (changes.revision, changes.more, changes.changes.len()),
        (done.revision, false, 500)
    );
}

#[tokio::test]
async fn a_shutdown_ends_a_watch() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "ends").await;
    let mut feed = tenant.watch(now()).await.unwrap();
    feed.until_progress().await;
    server.shutdown.cancel();
    let status = loop {
        match feed.message().await {
            Ok(Message::Progress(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(status) => break status,
        }
    };
    assert_eq!(
        (status.code(), info(&status).reason.as_str()),
        (Code::Unavailable, "SHUTTING_DOWN")
    );
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test]
async fn an_idle_watch_gets_progress_every_five_seconds() {
    let mut tenant = Tenant::new().await;
    let revision = tenant.create(company("A")).await.revision;
    let began = Instant::now();
    let mut feed = tenant.watch(now()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(feed.until_progress().await, (vec![], revision));
    }
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(5), "{waited:?}");
}

#[tokio::test]
async fn a_watch_of_a_deleted_tenant_ends() {
    let server = Server::start().await;
    let other = Server::on(&server.database_url, Limits::default()).await;
    let mut writer = Tenant::of(&server, "gone").await;
    writer.create(company("A")).await;
    let mut feeds = Vec::new();
    for server in [&server, &other] {
        let mut feed = Tenant::of(server, "gone").await.watch(now()).await.unwrap();
        feed.until_progress().await;
        feeds.push(feed);
    }
    let request = DeleteTenantRequest {
        name: "gone".into(),
        ..Default::default()
    };
    let mut client = TenantsClient::new(server.channel().await);
    client.delete_tenant(request).await.unwrap();
    for mut feed in feeds {
        let ended = loop {
            if let Err(status) = feed.message().await {
                break info(&status).reason;
            }
        };
        // Depends on whether the tenant is being deleted or is gone when the watch looks.
        let expected = ["TENANT_NOT_FOUND", "HISTORY_REPLACED"];
        assert!(expected.contains(&&*ended), "{ended}");
    }
}
