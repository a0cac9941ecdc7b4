//! The invariants of stored sets of contacts: of segments, of their actions and of saved criteria.

mod replay;

use diesel::{
    prelude::*,
    sql_types::{Array, Integer},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt;

use self::replay::{RecordedAction, Replay};
use super::{Findings, Invariant, Subject};
use crate::{
    model::{ContactSet, Expression, TenantId},
    schema::{saved_criteria_actions, segment_actions, segments},
    store::sql::{Sql, sql},
};

const SETS: Invariant = Invariant {
    name: "stored-sets",
    rule: "Stored sets of contacts can be read, and hold numbers of contacts that exist, were merged or \
        deleted.",
};

const EXPRESSIONS: Invariant = Invariant {
    name: "expressions",
    rule: "The expressions of recorded and saved actions can be read.",
};

pub(super) async fn check(
    conn: &mut AsyncPgConnection,
    tenant: &Subject,
    findings: &mut Findings,
) -> QueryResult<()> {
    let Some(next) = tenant.next_contact_number else {
        return Ok(());
    };
    let numbers = UsedNumbers::read(conn, tenant, next.cast_unsigned()).await?;
    let segments: Vec<i32> = segments::table
        .filter(segments::tenant_id.eq(tenant.tenant_id))
        .order(segments::segment_number)
        .select(segments::segment_number)
        .load(conn)
        .await?;
    let mut check = SetCheck { numbers, findings };
    for number in segments {
        check.segment(conn, tenant.tenant_id, number).await?;
    }
    check.saved_criteria(conn, tenant.tenant_id).await
}

/// The numbers that contacts of a tenant have or had.
struct UsedNumbers {
    /// The number after the highest.
    next: u32,
    /// Those that mean a contact: existing ones, and merged ones, which mean others.
    present: ContactSet,
    /// Those of deleted contacts, if the log has the whole history.
    deleted: Option<ContactSet>,
}

impl UsedNumbers {
    async fn read(conn: &mut AsyncPgConnection, tenant: &Subject, next: u32) -> QueryResult<Self> {
        let of_tenant = |text| sql(text).bind::<Integer, _>(tenant.tenant_id);
        let present = "SELECT array_agg(n) AS numbers FROM ( \
                 SELECT contact_number AS n FROM contacts WHERE tenant_id = $1 \
                 UNION ALL SELECT contact_number FROM merged_contacts WHERE tenant_id = $1) c \
             GROUP BY n >> 16";
        let deleted = "SELECT contact_numbers AS numbers FROM changes \
             WHERE tenant_id = $1 AND kind = @ContactsDeleted";
        Ok(Self {
            next,
            present: union(conn, of_tenant(present)).await?,
            deleted: match tenant.history_start {
                Some(0) => Some(union(conn, of_tenant(deleted)).await?),
                _ => None,
            },
        })
    }

    /// How many numbers of a set no contact has had.
    fn count_unknown(&self, set: &ContactSet) -> u64 {
        match &self.deleted {
            Some(deleted) => (set - &self.present).difference_len(deleted),
            None => set.len() - set.range_cardinality(1..self.next),
        }
    }
}

async fn union(conn: &mut AsyncPgConnection, query: Sql) -> QueryResult<ContactSet> {
    #[derive(QueryableByName)]
    struct Part {
        #[diesel(sql_type = Array<Integer>)]
        numbers: Vec<i32>,
    }
    let mut set = ContactSet::new();
    let mut parts = query.load_stream::<Part>(conn).await?;
    while let Some(part) = parts.try_next().await? {
        set.extend(part.numbers.into_iter().map(i32::cast_unsigned));
    }
    Ok(set)
}

struct SetCheck<'f> {
    numbers: UsedNumbers,
    findings: &'f mut Findings,
}

impl SetCheck<'_> {
    /// The set that these bytes are.
    fn set(&mut self, mut bytes: &[u8], place: impl FnOnce() -> String) -> Option<ContactSet> {
        let set = ContactSet::deserialize_from(&mut bytes);
        let Some(set) = set.ok().filter(|_| bytes.is_empty()) else {
            self.findings
                .add(SETS, format!("{}: cannot be read", place()));
            return None;
        };
        let unknown = self.numbers.count_unknown(&set);
        if unknown > 0 {
            let place = place();
            let place = format!("{place}: numbers that no contact has had: {unknown}");
            self.findings.add(SETS, place);
        }
        Some(set)
    }

    /// Who is meant by an action.
    fn selector(
        &mut self,
        expression: Option<&str>,
        contacts: Option<&[u8]>,
        place: impl Fn() -> String,
    ) {
        if expression.is_some_and(|it| it.parse::<Expression>().is_err()) {
            self.findings.add(EXPRESSIONS, place());
        }
        if let Some(contacts) = contacts {
            self.set(contacts, || format!("the contacts of {}", place()));
        }
    }

    async fn segment(
        &mut self,
        conn: &mut AsyncPgConnection,
        tenant_id: TenantId,
        number: i32,
    ) -> QueryResult<()> {
        let (members, count): (Vec<u8>, i32) = segments::table
            .find((tenant_id, number))
            .select((segments::members, segments::action_count))
            .first(conn)
            .await?;
        let members = self.set(&members, || format!("the members of segment {number}"));
        let members = members.map(|it| it & &self.numbers.present);
        let mut replay = Replay::new(number, count, members);
        let mut actions = segment_actions::table
            .filter(segment_actions::tenant_id.eq(tenant_id))
            .filter(segment_actions::segment_number.eq(number))
            .order(segment_actions::action_number.desc())
            .select(RecordedAction::as_select())
            .load_stream::<RecordedAction>(conn)
            .await?;
        while let Some(action) = actions.try_next().await? {
            let place = || format!("action {} of segment {number}", action.action_number);
            let contacts = action.contacts.as_deref();
            self.selector(action.expression.as_deref(), contacts, place);
            let changed = action.changed.as_deref();
            let changed = changed.map(|it| self.set(it, || format!("the changes of {}", place())));
            replay.undo(&action, changed, &self.numbers.present, self.findings);
        }
        replay.end(self.findings);
        Ok(())
    }

    async fn saved_criteria(
        &mut self,
        conn: &mut AsyncPgConnection,
        tenant_id: TenantId,
    ) -> QueryResult<()> {
        type Row = (i32, i32, Option<String>, Option<Vec<u8>>);
        let mut rows = saved_criteria_actions::table
            .filter(saved_criteria_actions::tenant_id.eq(tenant_id))
            .select((
                saved_criteria_actions::criteria_number,
                saved_criteria_actions::action_number,
                saved_criteria_actions::expression,
                saved_criteria_actions::contacts,
            ))
            .load_stream::<Row>(conn)
            .await?;
        while let Some((criteria, number, expression, contacts)) = rows.try_next().await? {
            let place = || format!("action {number} of saved criteria {criteria}");
            self.selector(expression.as_deref(), contacts.as_deref(), place);
        }
        Ok(())
    }
}
