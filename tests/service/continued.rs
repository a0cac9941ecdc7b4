//! Resumed imports.

use std::time::{Duration, Instant};

use mailing_groups::{
    domain::{Domain, SetCache, maintenance},
    pb::{
        ImportContactsResponse, import_contacts_request as to_contacts,
        import_contacts_response::{Message, Progress, Rejection},
        import_memberships_request as to_memberships,
    },
    store::Store,
};
use tonic::{Code, Status};

use crate::support::{
    Server, Sql, Tenant, company, contact_chunk, info, person, upload::ContactUpload, violations,
};

fn start(import_id: &str, known_count: i64) -> to_contacts::Message {
    to_contacts::Message::Start(to_contacts::Start {
        import_id: import_id.into(),
        known_count,
        ..Default::default()
    })
}

fn finish() -> to_contacts::Message {
    to_contacts::Message::Finish(to_contacts::Finish {})
}

async fn message(upload: &mut ContactUpload) -> Result<Message, Status> {
    Ok(upload.message().await?.message.unwrap())
}

/// The next message, which must be progress.
async fn progress(upload: &mut ContactUpload) -> Progress {
    match message(upload).await.unwrap() {
        Message::Progress(progress) => progress,
        other => panic!("{other:?}"),
    }
}

/// Waits for the acknowledgement of so many items.
async fn until(upload: &mut ContactUpload, processed: i64) -> (Vec<Rejection>, Progress) {
    let (rejections, progress) = upload.until(processed).await.unwrap();
    let rejection = |it: ImportContactsResponse| match it.message {
        Some(Message::Rejection(rejection)) => rejection,
        other => panic!("{other:?}"),
    };
    let Some(Message::Progress(progress)) = progress.message else {
        panic!("{progress:?}")
    };
    (rejections.into_iter().map(rejection).collect(), progress)
}

/// Opens an import by its id; its progress.
async fn open(tenant: &mut Tenant, id: &str, known: i64) -> (ContactUpload, Progress) {
    let mut upload = tenant.upload_contacts().await;
    upload.send(start(id, known)).await;
    let progress = progress(&mut upload).await;
    (upload, progress)
}

#[tokio::test]
async fn an_import_resumes_after_its_last_committed_item() {
    let mut tenant = Tenant::new().await;
    let (mut upload, none) = open(&mut tenant, "crm-1", 0).await;
    assert_eq!(none, Progress::default());
    upload
        .send(contact_chunk(vec![company("A"), company("B")]))
        .await;
    until(&mut upload, 2).await;
    upload
        .send(contact_chunk(vec![person("P", "NONE"), company("C")]))
        .await;
    let (rejections, committed) = until(&mut upload, 4).await;
    assert_eq!(rejections.len(), 1);
    drop(upload);

    // A client with the latest progress gets it; one without gets the rejections again.
    let (upload, known) = open(&mut tenant, "crm-1", 4).await;
    assert_eq!(known, committed);
    assert_eq!(
        (
            known.processed_count,
            known.created_count,
            known.rejected_count
        ),
        (4, 3, 1)
    );
    drop(upload);
    let mut upload = tenant.upload_contacts().await;
    upload.send(start("crm-1", 1)).await;
    let (again, progress) = until(&mut upload, 4).await;
    let [again] = &again[..] else {
        panic!("{again:?}");
    };
    assert_eq!(
        (again.index, again.id.as_str(), again.field.as_str()),
        (2, "", "company_id"),
        "what was sent is not kept"
    );
    assert_eq!(progress, committed);
    upload
        .send(contact_chunk(vec![company("A"), person("Q", "NONE")]))
        .await;
    let (rejections, _) = until(&mut upload, 6).await;
    let indices = rejections.iter().map(|it| it.index);
    assert_eq!(indices.collect::<Vec<_>>(), [5]);
    upload.send(finish()).await;
    let Message::Summary(summary) = message(&mut upload).await.unwrap() else {
        panic!("no summary");
    };
    let counts = (
        summary.processed_count,
        summary.created_count,
        summary.unchanged_count,
    );
    assert_eq!((counts, summary.rejected_count), ((6, 3, 1), 2));
}

#[tokio::test]
async fn an_import_id_is_bound_to_one_kind_and_one_tenant() {
    let (mut tenant, mut other) = (Tenant::new().await, Tenant::new().await);
    tenant.group("MOVE").await;
    let (mut upload, _) = open(&mut tenant, "named", 0).await;
    upload.send(contact_chunk(vec![company("A")])).await;
    until(&mut upload, 1).await;
    let mut memberships = tenant.upload_memberships().await;
    let start = to_memberships::Start {
        import_id: "named".into(),
        ..Default::default()
    };
    memberships
        .send(to_memberships::Message::Start(start))
        .await;
    let status = memberships.message().await.unwrap_err();
    assert_eq!(
        (status.code(), info(&status).reason.as_str()),
        (Code::FailedPrecondition, "IMPORT_ID_REUSED")
    );
    assert!(status.message().contains("another kind of items"));
    assert_eq!(open(&mut other, "named", 0).await.1.processed_count, 0);
    for (id, known, field) in [
        ("not ok", 0, "start.import_id"),
        ("ok", -1, "start.known_count"),
    ] {
        let mut upload = tenant.upload_contacts().await;
        upload.send(self::start(id, known)).await;
        let status = message(&mut upload).await.unwrap_err();
        assert_eq!(violations(&status), [field]);
    }
}

#[tokio::test]
async fn a_superseded_import_stream_commits_nothing_more() {
    let mut tenant = Tenant::new().await;
    let (mut old, _) = open(&mut tenant, "twice", 0).await;
    let (mut new, _) = open(&mut tenant, "twice", 0).await;
    new.send(contact_chunk(vec![company("A")])).await;
    until(&mut new, 1).await;
    old.send(contact_chunk(vec![company("B")])).await;
    // A heartbeat may come first.
    let status = old.until(1).await.unwrap_err();
    assert_eq!(
        (status.code(), info(&status).reason.as_str()),
        (Code::Aborted, "IMPORT_OVERTAKEN")
    );
    assert_eq!(
        tenant.get_contact("B").await.unwrap_err().code(),
        Code::NotFound
    );
    new.send(contact_chunk(vec![company("C")])).await;
    until(&mut new, 2).await;
}

#[tokio::test]
async fn a_waiting_chunk_sends_progress_every_second() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "waits").await;
    let (mut upload, _) = open(&mut tenant, "waits", 0).await;
    let began = Instant::now();
    upload.send(contact_chunk(vec![company("A")])).await;
    let (_, first) = until(&mut upload, 1).await;
    let sql = Sql::connect(&server.database_url).await;
    sql.hold_clock("waits").await;
    for id in ["B", "C"] {
        upload.send(contact_chunk(vec![company(id)])).await;
    }
    for _ in 0..2 {
        assert_eq!(progress(&mut upload).await, first);
    }
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(2), "{waited:?}");
    sql.run("ROLLBACK").await;
    until(&mut upload, 3).await;
    upload.send(finish()).await;
    assert!(matches!(
        message(&mut upload).await,
        Ok(Message::Summary(_))
    ));
}

#[tokio::test]
async fn the_progress_of_an_import_is_deleted_after_seven_days() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "old").await;
    let (mut upload, _) = open(&mut tenant, "old", 0).await;
    upload
        .send(contact_chunk(vec![company("A"), person("P", "NONE")]))
        .await;
    until(&mut upload, 2).await;
    drop(upload);
    let sql = Sql::connect(&server.database_url).await;
    let store = Store::new(&server.database_url, 2, Duration::from_secs(5)).unwrap();
    let domain = Domain::new(store, SetCache::new(1 << 20, 1));
    let day = Duration::from_secs(86_400);
    sql.run("UPDATE imports SET update_time = update_time - interval '6 days'")
        .await;
    maintenance::prune(&domain, day).await.unwrap();
    assert_eq!(open(&mut tenant, "old", 2).await.1.processed_count, 2);
    sql.run("UPDATE imports SET update_time = update_time - interval '2 days'")
        .await;
    maintenance::prune(&domain, day).await.unwrap();
    assert_eq!(open(&mut tenant, "old", 0).await.1.processed_count, 0);
    assert_eq!(
        sql.number("SELECT count(*) FROM import_rejections", &[])
            .await,
        0
    );
}
