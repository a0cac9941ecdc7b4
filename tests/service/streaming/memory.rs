//! A large selection, and a large export, is streamed within bounds.

use std::time::Instant;

use mailing_groups::pb::{self, SegmentMemberView, export_contacts_response::Message};
use tempfile::TempDir;
use tonic::transport::Endpoint;

use crate::support::{Program, Sql, Streamed, Tenant, database, migrate, scratch, select};

/// Contacts of the tenant.
const CONTACTS: i64 = 500_000;

/// How much more memory the program may take for streams, in KiB: the contacts with their
/// details take more than 150 MiB; the allocator keeps some of what was freed, for a while.
const ALLOWED: i64 = 96 << 10;

/// Fills the tenant `t` as the service would: contacts who all have two groups.
async fn fill(sql: &Sql) {
    sql.run(&format!(
        "INSERT INTO tenants (tenant_id, name) VALUES (1, 't'); \
         INSERT INTO clocks (tenant_id, revision, next_contact_number) \
             VALUES (1, 1, {CONTACTS} + 1); \
         INSERT INTO revisions VALUES (1, 1, now(), 'fill'); \
         INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, email, \
                 revision, create_time, update_time) \
             SELECT 1, n, 'P' || n, 2, repeat('x', 80), 'x', repeat('y', 200), 1, now(), now() \
             FROM generate_series(1, {CONTACTS}) n; \
         INSERT INTO mailing_groups (tenant_id, group_id, code, description, person_count, \
                 revision, create_time, update_time) \
             SELECT 1, n, 'G' || n, '', {CONTACTS}, 1, now(), now() FROM generate_series(1, 2) n; \
         INSERT INTO memberships \
             SELECT 1, g, n, 1, now() FROM generate_series(1, 2) g, generate_series(1, {CONTACTS}) n; \
         INSERT INTO changes (tenant_id, revision, kind, subject_id, contact_numbers) \
             SELECT 1, 1, 4, 0, array_agg(contact_number) FROM contacts; \
         ANALYZE contacts"
    ))
    .await;
}

/// A program that serves the tenant `t`, and the memory it took until its first answer.
struct Scene {
    program: Program,
    tenant: Tenant,
    before: i64,
    _folder: TempDir,
}

async fn scene() -> Scene {
    let folder = scratch();
    let url = database().await;
    migrate(&url).await;
    fill(&Sql::connect(&url).await).await;
    let mut program = Program::spawn(folder.path(), &["--database-url", &url]);
    let endpoint = Endpoint::from_shared(format!("http://{}", program.address().await)).unwrap();
    let mut tenant = Tenant::over(endpoint.connect().await.unwrap(), "t");
    assert_eq!(
        tenant
            .stream(select("NOT *"))
            .await
            .unwrap()
            .summary
            .member_count,
        0
    );
    Scene {
        before: program.peak_memory(),
        program,
        tenant,
        _folder: folder,
    }
}

impl Scene {
    /// Checks how much more memory the program has taken by now.
    fn check(&self, began: Instant) {
        let grown = self.program.peak_memory() - self.before;
        println!(
            "{CONTACTS} contacts in {:?}, {grown} KiB more",
            began.elapsed()
        );
        assert!(grown < ALLOWED, "{grown} KiB more");
    }
}

#[tokio::test]
async fn streaming_many_members_takes_little_memory() {
    let mut scene = scene().await;
    let request = pb::StreamSegmentMembersRequest {
        view: SegmentMemberView::Full.into(),
        ..select("*")
    };
    let unread = scene.tenant.open(request.clone()).await.unwrap();
    let began = Instant::now();
    let mut stream = scene.tenant.open(request).await.unwrap();
    let streamed = Streamed::read(&mut stream).await.unwrap();
    assert_eq!(streamed.summary.sent_count, CONTACTS);
    let ids = streamed.ids();
    assert!(
        ids.iter()
            .enumerate()
            .all(|(at, id)| *id == format!("P{}", at + 1))
    );
    scene.check(began);
    drop(unread);
}

#[tokio::test]
async fn an_export_takes_little_memory() {
    let mut scene = scene().await;
    let request = pb::ExportContactsRequest::default();
    let open = scene.tenant.contacts.export_contacts(request.clone());
    let unread = open.await.unwrap();
    let began = Instant::now();
    let open = scene.tenant.contacts.export_contacts(request);
    let mut stream = open.await.unwrap().into_inner();
    let mut last = None;
    while let Some(response) = stream.message().await.unwrap() {
        last = response.message;
    }
    let Some(Message::Summary(summary)) = last else {
        panic!("no summary")
    };
    let counts = (summary.contact_count, summary.assignment_count);
    assert_eq!(counts, (CONTACTS, 2 * CONTACTS));
    scene.check(began);
    drop(unread);
}
