//! Lists of revisions, for people who ask what happened.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    model::{ChangeKind, ChangeTopic, Code, ContactId, PageSize, Revision, TenantId, Time},
    store::sql::sql,
};

/// How many changes of a revision are listed.
const MAX_CHANGES: i64 = 20;

/// How many contacts of a change are listed.
const MAX_CONTACTS: i32 = 10;

/// Which changes are listed; all filters apply.
#[derive(Debug, Default)]
pub(crate) struct RevisionFilter {
    /// Of this contact and its memberships.
    pub(crate) contact_id: Option<ContactId>,
    /// Of the group that has or had this code, and its memberships.
    pub(crate) code: Option<Code>,
}

/// What a revision changed.
#[derive(Debug)]
pub(crate) struct RevisionSummary {
    pub(crate) revision: Revision,
    pub(crate) commit_time: Time,
    pub(crate) request_id: String,
    /// Who made it, each on a line.
    pub(crate) actors: String,
    /// The number of changes that match.
    pub(crate) change_count: i64,
    /// The first of them.
    pub(crate) changes: Vec<ChangeSummary>,
}

/// One change.
#[derive(Debug)]
pub(crate) struct ChangeSummary {
    pub(crate) kind: ChangeKind,
    /// The code of the group or the criteria, or the id of the segment.
    pub(crate) name: String,
    /// The code of a renamed group before.
    pub(crate) former_code: String,
    /// The number of contacts.
    pub(crate) contact_count: i32,
    /// The first of them, as far as they exist.
    pub(crate) contact_ids: Vec<String>,
}

/// The revisions after `after` and before `before` with changes that match, newest first.
pub(crate) async fn revisions(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    filter: &RevisionFilter,
    (after, before): (Revision, Revision),
    size: PageSize,
) -> QueryResult<Vec<RevisionSummary>> {
    let numbers = match &filter.contact_id {
        Some(id) => numbers_of(conn, tenant_id, id).await?,
        None => Vec::new(),
    };
    let about = |topics: [ChangeTopic; 2]| {
        let kinds = ChangeKind::all().filter(|kind| topics.contains(&kind.topic()));
        kinds.collect::<Vec<_>>()
    };
    let code = filter.code.as_ref().map_or("", Code::as_str);
    let rows: Vec<RevisionRow> = sql(include_str!("../sql/revisions.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(i64::try_from(size.get()).unwrap_or(i64::MAX))
        .bind::<Array<Integer>, _>(numbers)
        .bind::<Array<SmallInt>, _>(about([ChangeTopic::Contacts, ChangeTopic::Memberships]))
        .bind::<Bool, _>(filter.contact_id.is_none())
        .bind::<Text, _>(code.to_owned())
        .bind::<Array<SmallInt>, _>(about([
            ChangeTopic::MailingGroups,
            ChangeTopic::Memberships,
        ]))
        .bind::<BigInt, _>(MAX_CHANGES)
        .bind::<Integer, _>(MAX_CONTACTS)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(RevisionRow::summary).collect())
}

async fn numbers_of(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: &ContactId,
) -> QueryResult<Vec<i32>> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = Integer)]
        contact_number: i32,
    }
    let rows: Vec<Number> = sql(include_str!("../sql/numbers_of_contact.sql"))
        .bind::<Integer, _>(tenant_id)
        .bind::<Text, _>(id.clone())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.contact_number).collect())
}

#[derive(QueryableByName)]
struct RevisionRow {
    #[diesel(sql_type = BigInt)]
    revision: Revision,
    #[diesel(sql_type = Timestamptz)]
    commit_time: Time,
    #[diesel(sql_type = Text)]
    request_id: String,
    #[diesel(sql_type = Text)]
    actors: String,
    #[diesel(sql_type = BigInt)]
    change_count: i64,
    #[diesel(sql_type = Array<SmallInt>)]
    kinds: Vec<ChangeKind>,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    codes: Vec<Option<String>>,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    former_codes: Vec<Option<String>>,
    #[diesel(sql_type = Array<Integer>)]
    contact_counts: Vec<i32>,
    #[diesel(sql_type = Array<Text>)]
    contact_ids: Vec<String>,
}

impl RevisionRow {
    fn summary(self) -> RevisionSummary {
        let names = self.codes.into_iter().zip(self.former_codes);
        let contacts = self.contact_counts.into_iter().zip(self.contact_ids);
        let changes = self.kinds.into_iter().zip(names).zip(contacts);
        let change =
            |((kind, (name, former_code)), (contact_count, ids)): (_, (_, String))| ChangeSummary {
                kind,
                name: Option::unwrap_or_default(name),
                former_code: Option::unwrap_or_default(former_code),
                contact_count,
                contact_ids: ids.split_terminator(',').map(str::to_owned).collect(),
            };
        RevisionSummary {
            revision: self.revision,
            commit_time: self.commit_time,
            request_id: self.request_id,
            actors: self.actors,
            change_count: self.change_count,
            changes: changes.map(change).collect(),
        }
    }
}
