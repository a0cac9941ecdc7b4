//! Databases of earlier versions, with data, are upgraded.

use std::fs;

use mailing_groups::{
    pb::{
        self,
        import_contacts_request::{Message as ToContacts, Start},
    },
    server::Limits,
    store,
};
use tokio_postgres::Client;
use unicode_normalization::UnicodeNormalization;

use crate::{
    attributes::with_attributes,
    imports::{import_with, summary},
    support::{
        PATIENCE, Server, Tenant, assert_consistent, company, contact_chunk, database, mask,
        runtime, tables::connect, upload::Response,
    },
};

/// A database with the tables as they were after a migration.
struct EarlierDatabase {
    url: String,
    client: Client,
}

impl EarlierDatabase {
    async fn after(migration: &str) -> Self {
        let url = database().await;
        let client = connect(&url).await;
        let list = "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY, \
            run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";
        client.batch_execute(list).await.unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut folders: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        folders.sort();
        for folder in folders {
            let name = folder.file_name().unwrap().to_str().unwrap();
            let (version, _) = name.split_once('_').unwrap();
            if version <= migration {
                let up = fs::read_to_string(folder.join("up.sql")).unwrap();
                client.batch_execute(&up).await.unwrap();
                let version = version.replace('-', "");
                let run = format!("INSERT INTO __diesel_schema_migrations VALUES ('{version}')");
                client.batch_execute(&run).await.unwrap();
            }
        }
        Self { url, client }
    }

    /// Runs the other migrations.
    async fn upgrade(&self) {
        let url = self.url.clone();
        let ran = runtime().spawn(async move { store::migrate(&url, PATIENCE).await });
        assert!(!ran.await.unwrap().unwrap().is_empty());
    }

    async fn run(&self, statements: &str) {
        self.client.batch_execute(statements).await.unwrap();
    }

    /// The rows of a query for one text.
    async fn texts(&self, query: &str) -> Vec<String> {
        let rows = self.client.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

#[tokio::test]
async fn codes_become_nfkc_and_none_is_lost() {
    let database = EarlierDatabase::after("2026-11-23-000004").await;
    let codes = [
        "MOVE",
        "ＭＯＶＥ",
        "ＧＩＦＴ",
        "𝐌ᵒ𝛂ʰ",
        "ＧＩＦＴ２",
        "ǄǄǄǄǄǄ",
        "PARAĿLEL",
        "ÉTÉ",
        "G2",
    ];
    database
        .run(&format!(
            "INSERT INTO tenants (tenant_id, name) VALUES (1, 'a');
             INSERT INTO clocks (tenant_id, revision, next_group_id) VALUES (1, 1, 20);
             INSERT INTO revisions VALUES (1, 1, now(), 'r');
             INSERT INTO mailing_groups (tenant_id, group_id, code, description, revision,
                     create_time, update_time)
                 SELECT 1, n, code, '', 1, now(), now()
                 FROM unnest('{{{}}}'::text[]) WITH ORDINALITY AS c (code, n);
             INSERT INTO changes (tenant_id, revision, kind, subject_id, code)
                 SELECT 1, 1, 1, group_id, code FROM mailing_groups;
             INSERT INTO former_codes VALUES (1, 'ＯＬＤ', 1), (1, 'ＥＬＤ', 2), (1, 'ELD', 3), (1, 'ＭOVE', 4)",
            codes.join(",")
        ))
        .await;
    database.upgrade().await;
    let codes = "SELECT code FROM mailing_groups ORDER BY group_id";
    assert_eq!(
        database.texts(codes).await,
        [
            "MOVE", "H2", "GIFT", "MOΑH", "GIFT2", "G6", "G7", "ÉTÉ", "G2"
        ]
    );
    let former = "SELECT code || group_id FROM former_codes ORDER BY 1";
    assert_eq!(database.texts(former).await, ["ELD3", "OLD1"]);
    assert_consistent(&database.url, "a").await;
}

#[tokio::test]
async fn the_ids_of_merged_contacts_are_taken_from_the_log() {
    let database = EarlierDatabase::after("2026-11-27-000001").await;
    let merged = "INSERT INTO tenants VALUES (1, 'a'), (2, 'b');
        INSERT INTO revisions
            SELECT t, r, now(), '' FROM generate_series(1, 2) t, generate_series(1, 3) r;
        INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, revision,
                create_time, update_time)
            SELECT 1, n, id, 2, id, id, 1, now(), now()
            FROM (VALUES (1, 'KEPT'), (9, 'USED')) AS c (n, id);
        INSERT INTO merged_contacts VALUES (1, 2, 1), (1, 3, 1), (1, 4, 1), (1, 5, 1);
        INSERT INTO changes (tenant_id, revision, kind, subject_id, contact_numbers, contact_ids)
            VALUES (1, 1, 8, 0, '{2}', '{TWICE}'), (1, 2, 8, 0, '{3,7}', '{TWICE,DELETED}'),
                (1, 3, 8, 0, '{4}', '{USED}'), (2, 1, 8, 0, '{5}', '{OTHER}')";
    database.run(merged).await;
    database.upgrade().await;
    let known = "SELECT format('%s %s', contact_number, id) FROM merged_contacts ORDER BY 1";
    assert_eq!(database.texts(known).await, ["2 ", "3 TWICE", "4 ", "5 "]);
}

/// How version 0.1.0 folded names, and the names: with all letters and marks but ideographs.
fn names() -> Vec<(String, String)> {
    let fold = |text: &str| {
        let cased = text.nfc().flat_map(char::to_uppercase);
        cased.flat_map(char::to_lowercase).nfc().collect::<String>()
    };
    let blocks = [
        '\u{a0}'..='\u{33ff}',
        '\u{a000}'..='\u{ac80}',
        '\u{f900}'..='\u{fffd}',
        '\u{1d400}'..='\u{1d7ff}',
        '\u{1f100}'..='\u{1f1ff}',
    ];
    // Unicode 14 to 17 added these; PostgreSQL 14 has Unicode 13.
    let is_new = |it: &char| {
        matches!(it, '\u{558}' | '\u{58b}'..='\u{58c}' | '\u{209d}'..='\u{209f}')
            || matches!(it, '\u{a7f1}'..='\u{a7f4}' | '\u{1d6a6}'..='\u{1d6a7}')
    };
    let characters = blocks.into_iter().flatten().filter(|it| !is_new(it));
    let single = characters.map(|it| format!("a{it}b"));
    let words = [
        "İstanbul",
        "JOSÉ",
        "Straße",
        "STRAẞE",
        "Ὀδυσσεύς",
        "ᾳᾼ",
        "ΟΔΟΣ",
    ];
    let names = single.chain(words.map(str::to_owned));
    names.map(|name| (fold(&name), name)).collect()
}

#[tokio::test]
async fn names_are_folded_as_the_program_folds_them() {
    let database = EarlierDatabase::after("2026-11-27-000000").await;
    database
        .run("INSERT INTO tenants VALUES (1, 'old'); INSERT INTO clocks VALUES (1)")
        .await;
    let (folded, names): (Vec<_>, Vec<_>) = names().into_iter().unzip();
    let text = "INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, \
            revision, create_time, update_time) \
        SELECT 1, n, n, 1, name, folded, 1, now(), now() \
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS c (name, folded, n)";
    database
        .client
        .execute(text, &[&names, &folded])
        .await
        .unwrap();
    database.upgrade().await;
    let server = Server::on(&database.url, Limits::default()).await;
    let contact = |(n, name): (usize, &String)| pb::Contact {
        name: name.clone(),
        ..company(&(n + 1).to_string())
    };
    let contacts: Vec<_> = names.iter().enumerate().map(contact).collect();
    let mut tenant = Tenant::of(&server, "new").await;
    tenant.import_contacts(&contacts).await;
    let differing = "SELECT format('%s: %s, %s', o.name, o.search_name, n.search_name) \
        FROM contacts o JOIN contacts n ON n.tenant_id <> 1 AND n.id = o.id \
        WHERE o.tenant_id = 1 AND o.search_name <> n.search_name";
    assert_eq!(database.texts(differing).await, Vec::<String>::new());
}

#[tokio::test]
async fn imports_go_on_and_what_they_rejected_is_dropped() {
    let database = EarlierDatabase::after("2026-11-27-000002").await;
    database
        .run(
            "INSERT INTO tenants VALUES (1, 'old'); INSERT INTO clocks VALUES (1);
             INSERT INTO imports VALUES (1, 'crm', 1, 2, 1, 0, 1, 0, now());
             INSERT INTO import_rejections VALUES (1, 'crm', 1, 'an answer')",
        )
        .await;
    database.upgrade().await;
    let server = Server::on(&database.url, Limits::default()).await;
    let mut tenant = Tenant::of(&server, "old").await;
    let mut upload = tenant.upload_contacts().await;
    let start = Start {
        import_id: "crm".into(),
        fingerprint: "sha256:1".into(),
        ..Default::default()
    };
    upload.send(ToContacts::Start(start)).await;
    let (rejections, progress) = upload.until(2).await.unwrap();
    assert_eq!((rejections, progress.progress()), (vec![], Some(2)));
    upload.send(contact_chunk(vec![company("A")])).await;
    upload.until(3).await.unwrap();
}

#[tokio::test]
async fn contacts_and_groups_of_a_tenant_are_counted() {
    let database = EarlierDatabase::after("2026-11-27-000004").await;
    database
        .run(
            "INSERT INTO tenants VALUES (1, 'old'); INSERT INTO clocks VALUES (1, 1, 3);
             INSERT INTO revisions VALUES (1, 1, now(), 'r');
             INSERT INTO changes (tenant_id, revision, kind, subject_id, contact_numbers)
                 VALUES (1, 1, 4, 0, '{1, 2}');
             INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, revision,
                 create_time, update_time)
             SELECT 1, n, 'C' || n, 1, 'x', 'x', 1, now(), now() FROM generate_series(1, 2) n",
        )
        .await;
    database.upgrade().await;
    assert_consistent(&database.url, "old").await;
}

#[tokio::test]
async fn contacts_get_attributes_and_imports_of_all_fields_go_on() {
    let database = EarlierDatabase::after("2026-11-27-000060").await;
    database
        .run(
            "INSERT INTO tenants VALUES (1, 'old');
             INSERT INTO clocks (tenant_id, revision, next_contact_number, next_contact_serial,
                     contact_count)
                 VALUES (1, 1, 3, 3, 2);
             INSERT INTO revisions (tenant_id, revision, commit_time, request_id)
                 VALUES (1, 1, now(), 'r');
             INSERT INTO changes (tenant_id, revision, kind, subject_id, contact_numbers)
                 VALUES (1, 1, 4, 0, '{1, 2}');
             INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, revision,
                     create_time, update_time)
                 SELECT 1, n, 'C' || n, 1, 'x', 'x', 1, now(), now() FROM generate_series(1, 2) n;
             INSERT INTO imports (tenant_id, import_id, kind, processed_count, created_count,
                     updated_count, rejected_count, revision, update_time)
                 VALUES (1, 'crm', 1, 2, 2, 0, 0, 1, now())",
        )
        .await;
    database.upgrade().await;
    let server = Server::on(&database.url, Limits::default()).await;
    let mut tenant = Tenant::of(&server, "old").await;
    assert!(
        tenant
            .get_contact("C1")
            .await
            .unwrap()
            .attributes
            .is_empty()
    );
    let changed = with_attributes(company("C1"), "territory=CH");
    let masked = mask(&["attributes.territory"]);
    tenant.update_contact(changed, masked).await.unwrap();
    assert_eq!(tenant.members("territory = CH").await, ["C1"]);
    assert_eq!(tenant.members("NOT has territory").await, ["C2"]);
    // All fields that there were.
    let all = "kind name company_id email exclude_from_segments privacy_blocked";
    let all: Vec<_> = all.split(' ').collect();
    let start = Start {
        import_id: "crm".into(),
        update_mask: mask(&all),
        ..Default::default()
    };
    let answers = import_with(&mut tenant, start, vec![vec![company("C1")]]).await;
    assert_eq!(summary(&answers).processed_count, 3);
    assert_eq!(tenant.members("territory = CH").await, ["C1"]);
    assert_consistent(&database.url, "old").await;
}
