//! A standby that fails: no call does.

use std::time::Duration;

use mailing_groups::pb::{self, export_contacts_response::Message};

use super::{CONTACTS, Scene};
use crate::support::{Network, Replication, Sql, Tenant, eventually, person, serve};

/// Opens an export that is read slowly, and reads its first page.
async fn begun(scene: &Scene) -> tonic::Streaming<pb::ExportContactsResponse> {
    let narrow = serve::endpoint(scene.address).initial_stream_window_size(65_535);
    let narrow = narrow.initial_connection_window_size(65_535);
    let mut tenant = Tenant::over(narrow.connect().await.unwrap(), "t");
    let request = pb::ExportContactsRequest {
        page_size: 1,
        ..Default::default()
    };
    let mut stream = tenant
        .contacts
        .export_contacts(request)
        .await
        .unwrap()
        .into_inner();
    loop {
        let answer = stream.message().await.unwrap().unwrap();
        if let Some(Message::Page(_)) = answer.message {
            return stream;
        }
    }
}

/// How many contacts follow until the end.
async fn rest(mut stream: tonic::Streaming<pb::ExportContactsResponse>) -> usize {
    let (mut count, mut is_complete) = (0, false);
    while let Some(answer) = stream.message().await.unwrap() {
        match answer.message.unwrap() {
            Message::Page(page) => count += page.contacts.len(),
            Message::Summary(_) => is_complete = true,
            Message::MailingGroups(_) | Message::Heartbeat(_) => {}
        }
    }
    assert!(is_complete);
    count
}

#[tokio::test]
async fn no_call_fails_when_the_standby_is_killed_and_it_is_used_again() {
    let mut scene = Scene::start().await;
    let export = begun(&scene).await;
    let (mut reader, mut streamer) = (scene.another_tenant("t"), scene.another_tenant("t"));
    let lists = tokio::spawn(async move {
        for _ in 0..200 {
            assert_eq!(reader.list_members("ALL").await.len(), CONTACTS);
        }
    });
    let streams = tokio::spawn(async move {
        for _ in 0..50 {
            assert_eq!(streamer.details("ALL").await.len(), CONTACTS);
        }
    });
    scene.pair.kill_standby();
    assert_eq!(rest(export).await, CONTACTS - 1);
    lists.await.unwrap();
    streams.await.unwrap();
    scene.until_counted("left_out").await;
    assert!(
        scene
            .program
            .log()
            .contains("the standby for reads is left out")
    );
    scene.pair.start_standby().await;
    scene.until_used().await;
}

#[tokio::test]
async fn no_call_fails_when_the_network_to_the_standby_does() {
    for network in [
        Network::Refusing,
        Network::Torn,
        Network::Silent,
        Network::Held,
    ] {
        let mut scene = Scene::start().await;
        let export = begun(&scene).await;
        scene.pair.standby_network().set(network);
        assert_eq!(rest(export).await, CONTACTS - 1, "{network:?}");
        scene.until_counted("left_out").await;
        scene.pair.standby_network().set(Network::Up);
        scene.until_used().await;
    }
}

#[tokio::test]
async fn a_statement_that_is_cancelled_is_repeated_at_the_primary() {
    let mut scene = Scene::start().await;
    for (how, outcome) in [("cancel", "failed"), ("terminate", "left_out")] {
        let standby = scene.pair.standby_url().to_owned();
        let cancelling = tokio::spawn(async move {
            let sql = Sql::connect(&standby).await;
            let of_service = "FROM pg_stat_activity WHERE application_name = 'mailing-groups'";
            loop {
                sql.rows(&format!("SELECT pg_{how}_backend(pid) {of_service}"), &[])
                    .await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        scene.until_counted(outcome).await;
        cancelling.abort();
        scene.until_used().await;
    }
}

#[tokio::test]
async fn a_conflict_with_replay_is_resolved_at_the_primary() {
    let mut scene = Scene::start().await;
    let standby = Sql::connect(scene.pair.standby_url()).await;
    standby
        .run("ALTER SYSTEM SET max_standby_streaming_delay = 0")
        .await;
    standby.run("SELECT pg_reload_conf()").await;
    let primary = scene.pair.primary_url().to_owned();
    let locking = tokio::spawn(async move {
        let sql = Sql::connect(&primary).await;
        loop {
            sql.run("BEGIN; LOCK TABLE contacts; COMMIT").await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    scene.until_counted("failed").await;
    scene.until_counted("failed").await;
    locking.abort();
    scene.until_used().await;
}

#[tokio::test]
async fn a_standby_that_was_promoted_is_left_out() {
    let mut scene = Scene::start().await;
    let promoted = Sql::connect(scene.pair.standby_url()).await;
    promoted.run("SELECT pg_promote()").await;
    // It takes writes of its own.
    promoted.run("UPDATE contacts SET name = 'wrong'").await;
    scene.until_counted("left_out").await;
    // On a busy machine the first reason may be that it does not answer in time.
    eventually(async || {
        scene.assert_current().await;
        let log = scene.program.log();
        let reasons = ["it is no standby", "the server is not read-only"];
        reasons.iter().any(|it| log.contains(it)).then_some(())
    })
    .await;
    assert!(
        scene
            .tenant
            .details("ALL")
            .await
            .iter()
            .all(|it| it.name != "wrong")
    );
    scene.tenant.create(person("LATER", "A")).await;
    scene.assert_current().await;
}

#[tokio::test]
async fn a_standby_with_another_history_is_left_out() {
    let mut scene = Scene::start().await;
    scene.pair.separate().await;
    let primary = Sql::connect(scene.pair.primary_url()).await;
    // As after the loss of commits: others have their revision numbers.
    primary.run("UPDATE contacts SET name = 'right'").await;
    primary
        .run("UPDATE revisions SET commit_id = commit_id + 1")
        .await;
    let before = scene.count("replica").await;
    eventually(async || {
        let details = scene.tenant.details("ALL").await;
        assert_eq!(details.len(), CONTACTS);
        assert!(details.iter().all(|it| it.name == "right"));
        let log = scene.program.log();
        log.contains("it has another history than the database")
            .then_some(())
    })
    .await;
    assert_eq!(scene.count("replica").await, before);
}

#[tokio::test]
async fn the_standby_of_another_database_answers_nothing() {
    let other = Replication::start().await;
    let url = other.standby_network().url().to_owned();
    // The same tenant, at the same revision, with other contacts.
    let mut same = Scene::on(other, &url).await;
    same.tenant.create(person("WRONG", "")).await;
    same.pair.until_level().await;

    let mut scene = Scene::on(Replication::start().await, &url).await;
    scene.tenant.create(person("RIGHT", "")).await;
    eventually(async || {
        let ids = scene
            .tenant
            .contact_ids(pb::ListContactsRequest::default())
            .await;
        assert_eq!(ids, ["RIGHT"]);
        assert_eq!(scene.tenant.members("*").await, ["RIGHT"]);
        (scene.count("behind").await > 10.0).then_some(())
    })
    .await;
    assert_eq!(scene.count("replica").await, 0.0);
}

#[tokio::test]
async fn a_primary_in_place_of_the_standby_is_left_out() {
    let pair = Replication::start().await;
    let url = pair.network().url().to_owned();
    let mut scene = Scene::on(pair, &url).await;
    scene.fill().await;
    eventually(async || {
        scene.assert_current().await;
        scene
            .program
            .log()
            .contains("the server is not read-only")
            .then_some(())
    })
    .await;
    assert_eq!(scene.count("replica").await, 0.0);
}
