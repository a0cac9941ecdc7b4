//! What must hold of a tenant's tables, whatever has happened.

use std::collections::BTreeSet;

use super::Sql;

/// Checks that the revisions have no gaps, that every counter is exact and that the change log
/// tells the memberships there are, for every tenant of the database.
pub(crate) async fn audit(sql: &Sql) {
    for (what, query) in CHECKS {
        assert_eq!(sql.number(query, &[]).await, 0, "{what}");
    }
    assert_eq!(
        replayed(sql).await,
        stored(sql).await,
        "the log and the memberships"
    );
}

const CHECKS: [(&str, &str); 4] = [
    (
        "gaps in the revisions",
        "SELECT count(*) FROM clocks c LEFT JOIN ( \
             SELECT tenant_id, count(*) AS made, min(revision) AS first, max(revision) AS last \
             FROM revisions GROUP BY tenant_id) r USING (tenant_id) \
         WHERE c.revision <> coalesce(r.made, 0) OR c.revision <> coalesce(r.last, 0) \
             OR coalesce(r.first, 1) <> 1",
    ),
    (
        "revisions that changed nothing",
        "SELECT count(*) FROM revisions r WHERE NOT EXISTS (SELECT 1 FROM changes c \
             WHERE c.tenant_id = r.tenant_id AND c.revision = r.revision)",
    ),
    (
        "groups with wrong counts",
        "SELECT count(*) FROM mailing_groups g WHERE (company_count, person_count) <> ( \
             SELECT count(*) FILTER (WHERE kind = 1), count(*) FILTER (WHERE kind = 2) \
             FROM memberships m JOIN contacts c USING (tenant_id, contact_number) \
             WHERE m.tenant_id = g.tenant_id AND m.group_id = g.group_id)",
    ),
    (
        "contacts with wrong counts",
        "SELECT count(*) FROM contacts c WHERE mailing_group_count <> ( \
             SELECT count(*) FROM memberships m WHERE m.tenant_id = c.tenant_id \
             AND m.contact_number = c.contact_number)",
    ),
];

type Membership = (i32, i32, i32);

async fn stored(sql: &Sql) -> BTreeSet<Membership> {
    let rows = sql
        .rows(
            "SELECT tenant_id, group_id, contact_number FROM memberships",
            &[],
        )
        .await;
    rows.iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

/// The memberships that the change log adds up to.
async fn replayed(sql: &Sql) -> BTreeSet<Membership> {
    let query = "SELECT tenant_id, subject_id, kind, contact_numbers FROM changes \
        WHERE kind IN (6, 7) ORDER BY tenant_id, revision, kind";
    let mut members = BTreeSet::new();
    for row in sql.rows(query, &[]).await {
        let (tenant_id, group_id): (i32, i32) = (row.get(0), row.get(1));
        for number in row.get::<_, Vec<i32>>(3) {
            let membership = (tenant_id, group_id, number);
            let changed = match row.get::<_, i16>(2) {
                6 => members.insert(membership),
                _ => members.remove(&membership),
            };
            assert!(changed, "{membership:?} logged twice");
        }
    }
    members
}
