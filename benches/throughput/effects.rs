//! Checks of the effects of what was measured.

use std::ops::RangeInclusive;

use tokio_postgres::Client;

/// The effects of memberships, summed over tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effects {
    memberships: i64,
    counted_by_groups: i64,
    counted_by_contacts: i64,
    logged: i64,
    revisions: i64,
    clocks: i64,
}

impl Effects {
    /// The effects so far.
    pub(crate) async fn of(sql: &Client, tenants: &RangeInclusive<u64>) -> Self {
        let is_theirs = format!(
            "tenant_id BETWEEN {} AND {}",
            tenants.start(),
            tenants.end()
        );
        let text = format!(
            "SELECT (SELECT count(*) FROM memberships WHERE {is_theirs}), \
             (SELECT sum(company_count + person_count)::bigint FROM mailing_groups \
                 WHERE {is_theirs}), \
             (SELECT sum(mailing_group_count)::bigint FROM contacts WHERE {is_theirs}), \
             (SELECT coalesce(sum(cardinality(contact_numbers)), 0)::bigint FROM changes \
                 WHERE {is_theirs} AND kind = 6), \
             (SELECT count(*) FROM revisions WHERE {is_theirs}), \
             (SELECT sum(revision)::bigint FROM clocks WHERE {is_theirs})"
        );
        let row = sql.query_one(&text, &[]).await.expect("effects are read");
        Self {
            memberships: row.get(0),
            counted_by_groups: row.get(1),
            counted_by_contacts: row.get(2),
            logged: row.get(3),
            revisions: row.get(4),
            clocks: row.get(5),
        }
    }

    /// Checks that since `before` there are `pairs` more memberships, counted and logged.
    pub(crate) fn check(&self, before: &Self, pairs: u64) {
        let pairs = i64::try_from(pairs).expect("not so many");
        let revisions = self.revisions - before.revisions;
        let more = Self {
            memberships: before.memberships + pairs,
            counted_by_groups: before.counted_by_groups + pairs,
            counted_by_contacts: before.counted_by_contacts + pairs,
            logged: before.logged + pairs,
            clocks: before.clocks + revisions,
            ..*self
        };
        assert_eq!(*self, more, "all effects are there");
        assert!(revisions > 0 && revisions <= pairs, "revisions were made");
    }
}
