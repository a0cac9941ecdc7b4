//! Imports: rows 4 and 5. Each side of each round has a database of its own, with empty tables.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use crate::{
    support::{figures::Unit, report::Aim, service::Database},
    throughput::{
        effects::Effects,
        line::Line,
        progress::say,
        psql,
        rows::upload,
        stage::{Settings, Stage},
    },
};

const BARE_CONTACTS: &str = include_str!("../sql/bare_contacts.sql");
const BARE_MEMBERSHIPS: &str = include_str!("../sql/bare_memberships.sql");

/// Rows a contact of the base tenant: a million at `SCALE=1`.
const ROWS: u64 = 10;

/// Row 4. `template` has the contacts and the groups.
pub(crate) async fn memberships(database: &Database, template: &str, settings: &Settings) -> Line {
    let mut line = line("4", "ImportMemberships, rows");
    let rows = settings.contacts() * ROWS;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("memberships");
    write(&file, upload::pairs(settings.contacts()), |out, (n, k)| {
        writeln!(out, "1\t{k}\t{n}\t1\t2026-01-01 00:00:00+00")
    });
    for _ in 0..settings.rounds {
        let stage = Stage::new(database, "round", Some(template)).await;
        let tenants = 1..=1;
        stage.settle().await;
        let before = Effects::of(&stage.sql, &tenants).await;
        say(&format!("importing {rows} memberships, then copying them"));
        let ours = upload::memberships(&stage, settings.contacts()).await;
        Effects::of(&stage.sql, &tenants).await.check(&before, rows);
        stage.remove(database).await;
        let stage = Stage::new(database, "round", Some(template)).await;
        stage.execute(BARE_MEMBERSHIPS).await;
        stage.settle().await;
        let theirs = psql::copy(&stage.url, "bare_memberships", &file, rows).await;
        assert_eq!(count(&stage, "bare_memberships").await, rows, "all are in");
        stage.remove(database).await;
        line.push(ours, theirs);
    }
    line
}

/// Row 5. `template` has only the tenant.
pub(crate) async fn contacts(database: &Database, template: &str, settings: &Settings) -> Line {
    let mut line = line("5", "ImportContacts, rows");
    let rows = settings.contacts() * ROWS;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("contacts");
    write(&file, 1..=rows, |out, n| {
        let contact = upload::contact(n);
        let company = match contact.company_id.is_empty() {
            true => "\\N",
            false => &contact.company_id,
        };
        let (id, kind, name, email) = (contact.id, contact.kind, contact.name, contact.email);
        let (folded, moment) = (name.to_lowercase(), "2026-01-01 00:00:00+00");
        writeln!(
            out,
            "1\t{n}\t{id}\t{kind}\t{name}\t{folded}\t{company}\t{email}\t1\t{moment}\t{moment}"
        )
    });
    let table = "bare_contacts (tenant_id, contact_number, id, kind, name, search_name, \
                 company_id, email, revision, create_time, update_time)";
    for _ in 0..settings.rounds {
        let stage = Stage::new(database, "round", Some(template)).await;
        stage.settle().await;
        say(&format!("importing {rows} contacts, then copying them"));
        let ours = upload::contacts(&stage, rows).await;
        assert_eq!(count(&stage, "contacts").await, rows, "all are in");
        stage.remove(database).await;
        let stage = Stage::new(database, "round", Some(template)).await;
        stage.execute(BARE_CONTACTS).await;
        stage.settle().await;
        let theirs = psql::copy(&stage.url, table, &file, rows).await;
        assert_eq!(count(&stage, "bare_contacts").await, rows, "all are in");
        stage.remove(database).await;
        line.push(ours, theirs);
    }
    line
}

fn line(row: &'static str, what: &str) -> Line {
    let (against, aim) = ("psql \\copy into the same table", Aim::AtLeast(0.8));
    Line::new(row, what, against, Unit::PerSecond, aim)
}

fn write<T>(
    file: &Path,
    items: impl Iterator<Item = T>,
    line: impl Fn(&mut BufWriter<File>, T) -> std::io::Result<()>,
) {
    let mut out = BufWriter::new(File::create(file).expect("a file"));
    for item in items {
        line(&mut out, item).expect("a line is written");
    }
    out.flush().expect("the file is written");
}

async fn count(stage: &Stage, table: &str) -> u64 {
    let text = format!("SELECT count(*) FROM {table}");
    let row = stage.sql.query_one(&text, &[]).await.expect("a count");
    row.get::<_, i64>(0) as u64
}
