//! A large selection is streamed within bounds.

use std::time::Instant;

use mailing_groups::api::pb::{self, SegmentMemberView};
use tonic::transport::Endpoint;

use crate::support::{Program, Sql, Streamed, Tenant, database, migrate, scratch, select};

/// Contacts of the tenant.
const CONTACTS: i64 = 200_000;

/// How much more memory the program may take for streams, in KiB: the contacts with their
/// details take more than 60 MiB.
const ALLOWED: i64 = 24 << 10;

/// Fills the tenant `t` as the service would.
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
         INSERT INTO changes (tenant_id, revision, kind, subject_id, contact_numbers) \
             SELECT 1, 1, 4, 0, array_agg(contact_number) FROM contacts; \
         ANALYZE contacts"
    ))
    .await;
}

/// The most memory that a process has had, in KiB.
fn peak(program: &Program) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn many_members_take_little_memory() {
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
    let before = peak(&program);

    let request = pb::StreamSegmentMembersRequest {
        view: SegmentMemberView::Full.into(),
        ..select("*")
    };
    let unread = tenant.open(request.clone()).await.unwrap();
    let began = Instant::now();
    let mut stream = tenant.open(request).await.unwrap();
    let streamed = Streamed::read(&mut stream).await.unwrap();
    assert_eq!(streamed.summary.sent_count, CONTACTS);
    let ids = streamed.ids();
    assert!(
        ids.iter()
            .enumerate()
            .all(|(at, id)| *id == format!("P{}", at + 1))
    );
    let grown = peak(&program) - before;
    println!(
        "{CONTACTS} contacts in {:?}, {grown} KiB more",
        began.elapsed()
    );
    assert!(grown < ALLOWED, "{grown} KiB more");
    drop(unread);
}
