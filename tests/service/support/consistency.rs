//! Whether the tables of a tenant agree with each other: the change log, replayed from nothing,
//! gives the groups, contacts and memberships there are, and the program's own check finds nothing.

use std::collections::BTreeMap;

use mailing_groups::store::check::Checker;
use tokio_postgres::{Client, Row};

use super::{
    runtime,
    tables::{connect, tenant_id},
};

/// Panics if the tables of the tenant do not agree. All are read in one snapshot, so that a write
/// that ends meanwhile is seen whole or not at all.
pub(crate) async fn assert_consistent(database_url: &str, tenant: &str) {
    let client = connect(database_url).await;
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
    client.batch_execute(snapshot).await.unwrap();
    let tenant_id = tenant_id(&client, tenant).await.unwrap();
    let log = replay(&client, tenant_id).await;
    assert_eq!(
        stored_groups(&client, tenant_id).await,
        log.groups,
        "groups"
    );
    assert_eq!(
        stored_contacts(&client, tenant_id).await,
        log.contacts,
        "contacts"
    );
    assert_eq!(
        stored_members(&client, tenant_id).await,
        log.members,
        "memberships"
    );
    assert_eq!(findings(database_url, Some(tenant)).await, [""; 0]);
}

/// The names of the checks that find something wrong in a tenant, or in the whole database.
pub(crate) async fn findings(database_url: &str, tenant: Option<&str>) -> Vec<String> {
    let (url, tenant) = (database_url.to_owned(), tenant.map(str::to_owned));
    let check = async move {
        let mut checker = Checker::open(&url).await.unwrap();
        let mut found = Vec::new();
        let names = match tenant {
            Some(name) => vec![name],
            None => {
                found.extend(checker.check_database(&|_| {}).await.unwrap());
                checker.tenants().await.unwrap()
            }
        };
        for name in names {
            let checked = checker.check_tenant(name, &|_| {}).await.unwrap();
            found.extend(checked.findings);
        }
        found
    };
    let found = runtime().spawn(check).await.unwrap();
    println!("{found:#?}");
    let names = found.iter().map(|it| it.invariant.name.to_owned());
    names.collect()
}

/// The content according to the change log.
#[derive(Default)]
struct Log {
    /// Code and revision of each group.
    groups: BTreeMap<i32, (String, i64)>,
    /// The revision of each contact.
    contacts: BTreeMap<i32, i64>,
    /// The revision of each membership: group, contact.
    members: BTreeMap<(i32, i32), i64>,
}

async fn rows(client: &Client, text: &str, tenant_id: i32) -> Vec<Row> {
    client.query(text, &[&tenant_id]).await.unwrap()
}

async fn replay(client: &Client, tenant_id: i32) -> Log {
    let text = "SELECT revision, kind, subject_id, code, former_code, contact_numbers, contact_ids \
        FROM changes WHERE tenant_id = $1 ORDER BY revision, kind, subject_id";
    let mut log = Log::default();
    for row in rows(client, text, tenant_id).await {
        let kind: i16 = row.get("kind");
        let numbers: Option<Vec<i32>> = row.get("contact_numbers");
        match kind {
            1 | 2 | 3 | 9 => log.group(kind, &row),
            // Segments and saved criteria are no part of this.
            10..=14 => {}
            _ => log.contacts(kind, &row, &numbers.unwrap()),
        }
    }
    log
}

impl Log {
    fn group(&mut self, kind: i16, row: &Row) {
        let id: i32 = row.get("subject_id");
        let (code, revision): (String, i64) = (row.get("code"), row.get("revision"));
        let before = self.groups.remove(&id).map(|(code, _)| code);
        let expected = match kind {
            1 => None,
            2 => row.get("former_code"),
            _ => Some(code.clone()),
        };
        assert_eq!(
            before, expected,
            "code of a group before revision {revision}"
        );
        if kind == 9 {
            assert!(!self.members.keys().any(|(group, _)| *group == id));
        } else {
            self.groups.insert(id, (code, revision));
        }
    }

    fn contacts(&mut self, kind: i16, row: &Row, numbers: &[i32]) {
        let (group, revision): (i32, i64) = (row.get("subject_id"), row.get("revision"));
        assert!(!numbers.is_empty(), "revision {revision} logs nothing");
        if matches!(kind, 6 | 7) {
            let code: String = row.get("code");
            assert_eq!(self.groups[&group].0, code, "revision {revision}");
        }
        for number in numbers {
            let known = self.contacts.insert(*number, revision).is_some();
            assert_eq!(known, kind != 4, "contact {number} at revision {revision}");
            let member = (group, *number);
            match kind {
                6 => assert_eq!(
                    self.members.insert(member, revision),
                    None,
                    "{member:?} twice"
                ),
                7 => assert!(
                    self.members.remove(&member).is_some(),
                    "{member:?} was none"
                ),
                8 => assert!(self.contacts.remove(number).is_some()),
                _ => {}
            }
        }
        if kind == 8 {
            let ids: Vec<String> = row.get("contact_ids");
            assert_eq!(ids.len(), numbers.len());
        }
    }
}

async fn stored_groups(client: &Client, tenant_id: i32) -> BTreeMap<i32, (String, i64)> {
    let text = "SELECT group_id, code, revision FROM mailing_groups WHERE tenant_id = $1";
    let rows = rows(client, text, tenant_id).await;
    let groups = rows
        .iter()
        .map(|row| (row.get(0), (row.get(1), row.get(2))));
    groups.collect()
}

async fn stored_contacts(client: &Client, tenant_id: i32) -> BTreeMap<i32, i64> {
    let text = "SELECT contact_number, revision FROM contacts WHERE tenant_id = $1";
    let rows = rows(client, text, tenant_id).await;
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn stored_members(client: &Client, tenant_id: i32) -> BTreeMap<(i32, i32), i64> {
    let text = "SELECT group_id, contact_number, revision FROM memberships WHERE tenant_id = $1";
    let rows = rows(client, text, tenant_id).await;
    let members = rows
        .iter()
        .map(|row| ((row.get(0), row.get(1)), row.get(2)));
    members.collect()
}
