//! Selecting against SQL: counts of a three-group expression and streams of a large group, on a
//! tenant of a million contacts and five million memberships, in ratios within one run.
//!
//! `SCALE` multiplies the tenant, `ROUNDS` says how often everything is measured.

mod support;

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use mailing_groups::api::pb::{self, mailing_groups_client::MailingGroupsClient};
use support::{
    machine, median, ratio,
    report::{self, Aim, Row, time},
    service::{Database, Service},
    setting,
};
use tonic::transport::Channel;

/// Selects members of two groups but not of a third.
const EXPRESSION: &str = "(G01 OR G05) AND NOT G12";

/// The same count in SQL, in three ways. `$1` to `$3` are the groups.
const FORMULATIONS: [(&str, &str); 3] = [
    (
        "UNION/EXCEPT",
        "SELECT count(*) FROM ((SELECT contact_number FROM memberships \
             WHERE tenant_id = 1 AND group_id = $1 UNION SELECT contact_number FROM memberships \
             WHERE tenant_id = 1 AND group_id = $2) EXCEPT SELECT contact_number \
             FROM memberships WHERE tenant_id = 1 AND group_id = $3) s",
    ),
    (
        "GROUP BY",
        "SELECT count(*) FROM (SELECT contact_number FROM memberships \
             WHERE tenant_id = 1 AND group_id IN ($1, $2, $3) GROUP BY contact_number \
             HAVING (bool_or(group_id = $1) OR bool_or(group_id = $2)) \
                 AND NOT bool_or(group_id = $3)) s",
    ),
    (
        "EXISTS",
        "SELECT count(*) FROM contacts c WHERE tenant_id = 1 AND \
             (EXISTS (SELECT FROM memberships m WHERE m.tenant_id = 1 AND m.group_id = $1 \
                 AND m.contact_number = c.contact_number) OR \
              EXISTS (SELECT FROM memberships m WHERE m.tenant_id = 1 AND m.group_id = $2 \
                 AND m.contact_number = c.contact_number)) AND \
             NOT EXISTS (SELECT FROM memberships m WHERE m.tenant_id = 1 AND m.group_id = $3 \
                 AND m.contact_number = c.contact_number)",
    ),
];

const IDS: &str = "COPY (SELECT c.id FROM memberships m JOIN contacts c \
    ON c.tenant_id = 1 AND c.contact_number = m.contact_number \
    WHERE m.tenant_id = 1 AND m.group_id = 1 ORDER BY m.contact_number) TO STDOUT";

const FULL: &str = "COPY (SELECT c.id, c.kind, c.name, c.company_id, c.email, \
    c.exclude_from_segments, c.privacy_blocked, c.mailing_group_count, c.revision, \
    c.create_time, c.update_time FROM memberships m JOIN contacts c \
    ON c.tenant_id = 1 AND c.contact_number = m.contact_number \
    WHERE m.tenant_id = 1 AND m.group_id = 1 ORDER BY m.contact_number) TO STDOUT";

#[tokio::main]
async fn main() {
    let scale = setting("SCALE", 1);
    let rounds = setting("ROUNDS", 5);
    let contacts = 1_000_000 * scale;
    let database = Database::start().await;
    drop(Service::start(database.url(), &[]));
    let facts = machine::facts(&database.version().await);
    eprintln!("filling a tenant with {contacts} contacts …");
    let sql = database.connect().await;
    fill(&sql, contacts).await;

    let mut rows = count_rows(&database, &sql, rounds).await;
    let service = Service::start(database.url(), &[]);
    let before = machine::resident(service.process_id());
    let (stream_rows, during) = stream_rows(&database, &service, rounds).await;
    rows.extend(stream_rows);
    let after = machine::resident(service.process_id());
    drop(service);

    let title = format!("Selecting, {contacts} contacts, 50 groups, {rounds} rounds");
    report::print(&title, &facts, &rows, "bench-select.json");
    println!("Memory of the server: {before} MiB before, {during} MiB during, {after} MiB after.");
    database.stop().await;
}

/// Fills the tenant `default`: every tenth contact a company, group k with a share of 1.5/(k+1)
/// of the contacts, at most a half. The same data every time.
async fn fill(sql: &tokio_postgres::Client, contacts: u64) {
    let text = format!(
        "SET session_replication_role = replica;
         INSERT INTO tenants (tenant_id, name) VALUES (1, 'default');
         INSERT INTO clocks (tenant_id, revision, next_contact_number, next_group_id)
         VALUES (1, 1, {contacts} + 1, 51);
         INSERT INTO revisions VALUES (1, 1, now(), 'fill');
         INSERT INTO mailing_groups (tenant_id, group_id, code, description, revision,
             create_time, update_time)
         SELECT 1, k, 'G' || lpad(k::text, 2, '0'), '', 1, now(), now()
         FROM generate_series(1, 50) k;
         INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name,
             company_id, email, revision, create_time, update_time)
         SELECT 1, n, 'C' || lpad(n::text, 8, '0'), CASE WHEN n % 10 = 1 THEN 1 ELSE 2 END,
             'Contact number ' || n, 'contact number ' || n,
             CASE WHEN n % 10 <> 1 THEN 'C' || lpad((n - (n + 9) % 10)::text, 8, '0') END,
             'c' || n || '@example.com', 1, now(), now()
         FROM generate_series(1, {contacts}) n;
         INSERT INTO memberships
         SELECT 1, k, n, 1, now() FROM generate_series(1, 50) k, generate_series(1, {contacts}) n
         WHERE abs(hashint8extended(n, k)) < 9223372036854775807 * least(0.5, 1.5 / (k + 1));
         SET session_replication_role = origin;
         VACUUM (ANALYZE) contacts; VACUUM (ANALYZE) memberships; VACUUM (ANALYZE) mailing_groups"
    );
    for statement in text.split(';') {
        sql.batch_execute(statement)
            .await
            .expect("the tenant is filled");
    }
}

/// Counts, cold and warm, against the best of the formulations.
async fn count_rows(database: &Database, sql: &tokio_postgres::Client, rounds: u64) -> Vec<Row> {
    let mut theirs = Vec::new();
    for (name, text) in FORMULATIONS {
        let statement = sql.prepare(text).await.expect("prepared");
        let mut times = Vec::new();
        let mut count = 0_i64;
        for _ in 0..rounds {
            let start = Instant::now();
            count = sql
                .query_one(&statement, &[&1_i32, &5_i32, &12_i32])
                .await
                .expect("counts")
                .get(0);
            times.push(start.elapsed());
        }
        theirs.push((median(times), name, count));
    }
    let (best, name, expected) = theirs.iter().min().copied().expect("three");
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let service = Service::start(database.url(), &[]);
        let mut client = connect(&service).await;
        // The first call of a process makes connections; that is not what is measured.
        client
            .get_mailing_group(pb::GetMailingGroupRequest { code: "G01".into() })
            .await
            .expect("G01");
        cold.push(timed_count(&mut client, expected).await);
        let mut times = Vec::new();
        for _ in 0..200 {
            times.push(timed_count(&mut client, expected).await);
        }
        warm.push(median(times));
    }
    let (cold, warm) = (median(cold), median(warm));
    let row = |what: &str, ours: Duration, aim: f64| Row {
        what: format!("{what} count of {EXPRESSION}: {expected} members"),
        ours: time(ours),
        theirs: format!("{} ({name})", time(best)),
        ratio: ratio(best, ours),
        rounds: None,
        aim: Aim::AtLeast(aim),
    };
    vec![row("warm", warm, 100.0), row("cold", cold, 1.0)]
}

async fn timed_count(client: &mut MailingGroupsClient<Channel>, expected: i64) -> Duration {
    use pb::count_segment_members_request::Selection;
    let request = pb::CountSegmentMembersRequest {
        selection: Some(Selection::Expression(EXPRESSION.to_owned())),
        options: Some(pb::SelectionOptions {
            include_excluded: true,
            include_privacy_blocked: true,
            ..Default::default()
        }),
    };
    let start = Instant::now();
    let counted = client
        .count_segment_members(request)
        .await
        .expect("counts")
        .into_inner();
    let elapsed = start.elapsed();
    assert_eq!(counted.member_count, expected, "both sides count the same");
    elapsed
}

/// Streams of the first group, against psql; and the most memory the server had meanwhile.
async fn stream_rows(database: &Database, service: &Service, rounds: u64) -> (Vec<Row>, u64) {
    let mut client = connect(service).await;
    let mut rows = Vec::new();
    let mut most = 0;
    for (what, view, copy, aim) in [
        ("stream, ids only", pb::SegmentMemberView::Ids, IDS, 2.0),
        ("stream, full", pb::SegmentMemberView::Full, FULL, 1.0),
    ] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut members = 0;
        for _ in 0..rounds {
            theirs.push(timed_copy(database.url(), copy));
            let start = Instant::now();
            members = stream(&mut client, view).await;
            ours.push(start.elapsed());
            most = most.max(machine::resident(service.process_id()));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        rows.push(Row {
            what: format!("{what}: {members} members"),
            ours: time(ours),
            theirs: format!("{} (psql COPY)", time(theirs)),
            ratio: ratio(theirs, ours),
            rounds: None,
            aim: Aim::AtLeast(aim),
        });
    }
    (rows, most)
}

async fn stream(client: &mut MailingGroupsClient<Channel>, view: pb::SegmentMemberView) -> usize {
    use pb::{stream_segment_members_request::Selection, stream_segment_members_response::Message};
    let request = pb::StreamSegmentMembersRequest {
        selection: Some(Selection::Expression("G01".to_owned())),
        view: view.into(),
        page_size: 10_000,
        ..Default::default()
    };
    let mut stream = client
        .stream_segment_members(request)
        .await
        .expect("streams")
        .into_inner();
    let mut members = 0;
    while let Some(response) = stream.message().await.expect("streams on") {
        if let Some(Message::Page(page)) = response.message {
            members += page.members.len();
        }
    }
    members
}

fn timed_copy(url: &str, copy: &str) -> Duration {
    let start = Instant::now();
    let status = Command::new("psql")
        .args([url, "-X", "-q", "-c", copy])
        .stdout(Stdio::null())
        .status()
        .expect("psql runs");
    assert!(status.success(), "psql copies");
    start.elapsed()
}

async fn connect(service: &Service) -> MailingGroupsClient<Channel> {
    MailingGroupsClient::connect(service.endpoint.clone())
        .await
        .expect("connects")
}
