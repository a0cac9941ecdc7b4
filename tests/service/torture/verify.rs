//! What is in the database, against what was acknowledged.

use std::collections::{BTreeSet, HashMap};

use super::{
    load::{Load, TENANT},
    scene::Scene,
};
use crate::{
    support::{Sql, assert_consistent, eventually},
    tour::service::run,
};

/// Fails if anything was lost, came twice or does not agree.
pub(super) async fn all(scene: &Scene, load: &Load) {
    let sql = scene.sql().await;
    content(&sql, load).await;
    let revision = "SELECT revision FROM clocks JOIN tenants USING (tenant_id) WHERE name = 't'";
    let revision = sql.number(revision, &[]).await;
    for watched in &load.shared.watched {
        eventually(async || (watched.lock().unwrap().place >= revision).then_some(())).await;
        let seen = std::mem::take(&mut *watched.lock().unwrap());
        seen.validate(&sql, TENANT).await;
        *watched.lock().unwrap() = seen;
    }
    assert_consistent(&scene.url, TENANT).await;
    let url = scene.url.clone();
    let check = move || run(["check", "--database-url", url.as_str()]);
    let checked = tokio::task::spawn_blocking(check).await.unwrap();
    let output = (checked.code, checked.stdout, checked.stderr);
    assert_eq!(output.0, Some(0), "{output:?}");
}

async fn content(sql: &Sql, load: &Load) {
    let contacts = "SELECT id FROM contacts ORDER BY id";
    let contacts = sql.rows(contacts, &[]).await;
    let contacts: Vec<String> = contacts.iter().map(|row| row.get(0)).collect();
    let members = "SELECT code, array_agg(id) FROM memberships \
        JOIN mailing_groups USING (tenant_id, group_id) \
        JOIN contacts USING (tenant_id, contact_number) GROUP BY code";
    let members = sql.rows(members, &[]).await;
    let mut members: HashMap<String, BTreeSet<String>> = members
        .iter()
        .map(|row| {
            (
                row.get(0),
                row.get::<_, Vec<String>>(1).into_iter().collect(),
            )
        })
        .collect();
    let actions = "SELECT id, (SELECT count(*) FROM segment_actions a \
        WHERE (a.tenant_id, a.segment_number) = (s.tenant_id, s.segment_number)) FROM segments s";
    let actions = sql.rows(actions, &[]).await;
    let actions: HashMap<String, i64> =
        actions.iter().map(|row| (row.get(0), row.get(1))).collect();

    let expected = load.shared.expected.lock().unwrap();
    let mut wanted = expected.contacts.clone();
    wanted.sort();
    let all: BTreeSet<_> = contacts.iter().cloned().collect();
    assert_eq!(all, wanted.iter().cloned().collect(), "contacts");
    assert_eq!(contacts.len(), wanted.len(), "an id was given out twice");
    for (code, ids) in &expected.members {
        let found = members.remove(code).unwrap_or_default();
        assert_eq!(found, ids.iter().cloned().collect(), "members of {code}");
    }
    assert_eq!(members, HashMap::new(), "members that nobody assigned");
    let wanted = expected.actions.iter();
    let differs = wanted.filter(|(id, count)| actions.get(*id) != Some(count));
    assert_eq!(differs.collect::<Vec<_>>(), [], "segments: {actions:?}");
}
