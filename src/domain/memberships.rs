//! Operations on memberships: which contacts have which groups.

use std::{
    collections::{BTreeSet, HashSet},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

use serde::{Deserialize, Serialize};

use super::{
    BrokenRule, Call, Committed, Domain, Error, IdempotencyKey, Result,
    assign::change,
    idempotency::{ContactRecord, Recorded},
    jobs::{ChangeMemberships, JobItem},
    lookup::{self, unknown},
};
use crate::{
    model::{
        Assignment, AssignmentOutcome, Code, Contact, ContactId, Direction, Membership, TenantId,
    },
    store::{
        self, Connection, Transaction,
        memberships::{CheckedPair, PairResult},
    },
};

/// Changes one membership. Returns it as it is, or was, and whether that changed anything.
pub(crate) async fn change_one(
    domain: &Domain,
    call: &Call,
    item: Assignment,
    direction: Direction,
) -> Result<Committed<(Membership, bool)>> {
    let operation = || ChangeMemberships {
        database: domain.database.clone(),
        direction,
    };
    let batcher = domain.jobs.memberships(direction);
    batcher
        .run(&call.tenant, JobItem::new(call, item), operation)
        .await
}

/// Changes many memberships in one transaction. Returns one outcome per item, in order.
pub(crate) async fn change_many(
    domain: &Domain,
    call: &Call,
    items: &[Assignment],
    direction: Direction,
    key: Option<IdempotencyKey>,
) -> Result<Committed<Vec<AssignmentOutcome>>> {
    let change = async |tx: &mut Transaction| change_each(tx, items, direction).await;
    let (mut outcomes, revision) = domain
        .write_once(call, key, change)
        .await
        .map_err(Error::repeatable)?;
    let mut unnamed = Vec::new();
    for (outcome, item) in outcomes.iter_mut().zip(items) {
        if let AssignmentOutcome::ContactMerged(name @ None) = outcome {
            unnamed.push((&item.contact_id, name));
        }
    }
    lookup::name_merged(domain, call, unnamed).await?;
    Ok((outcomes, revision))
}

/// Assigns many groups. Returns one outcome per item, in order.
pub(super) async fn assign_in(
    tx: &mut Transaction,
    items: &[Assignment],
) -> Result<Vec<AssignmentOutcome>> {
    change_each(tx, items, Direction::Assign).await
}

/// Changes memberships. Returns one outcome per item, in order.
async fn change_each(
    tx: &mut Transaction,
    items: &[Assignment],
    direction: Direction,
) -> Result<Vec<AssignmentOutcome>> {
    let rows = change(tx, items, direction).await?;
    let outcome = |(row, item): (PairResult, &Assignment)| match (row.contact_number, row.group_id)
    {
        (Some(_), Some(_)) if row.changed => AssignmentOutcome::Changed,
        (Some(_), Some(_)) => AssignmentOutcome::Unchanged,
        (contact, _) => unknown(item, contact.is_some(), row.current),
    };
    Ok(rows.into_iter().zip(items).map(outcome).collect())
}

/// How many new memberships a validation remembers, about 20 bytes each.
const MAX_VALIDATED: usize = 5_000_000;

/// The outcomes that [`assign_in`] would have. `assigned_before` holds the hashes of what earlier items
/// would have assigned.
pub(super) async fn validate(
    conn: &mut Connection,
    tenant_id: TenantId,
    assigned_before: &mut HashSet<u64>,
    items: &[Assignment],
) -> Result<Vec<AssignmentOutcome>> {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let checked = store::memberships::check(conn, tenant_id, items).await?;
    let outcome = |(pair, item): (CheckedPair, &Assignment)| match pair {
        CheckedPair {
            contact_exists: true,
            group_exists: true,
            assigned,
            ..
        } => match !assigned && assigned_before.insert(hasher.hash_one(item)) {
            true => AssignmentOutcome::Changed,
            false => AssignmentOutcome::Unchanged,
        },
        pair => unknown(item, pair.contact_exists, pair.current),
    };
    let outcomes = checked.into_iter().zip(items).map(outcome).collect();
    match assigned_before.len() <= MAX_VALIDATED {
        true => Ok(outcomes),
        false => Err(BrokenRule::TooMuchToValidate(MAX_VALIDATED).into()),
    }
}

/// The result of a replacement.
pub(crate) struct ReplaceResult {
    /// The contact as it is now.
    pub(crate) contact: Contact,
    /// Codes that it did not have, by code.
    pub(crate) added: Vec<Code>,
    /// Codes that it no longer has, by code.
    pub(crate) removed: Vec<Code>,
}

/// What is kept of a replacement.
#[derive(Serialize, Deserialize)]
pub(super) struct ReplaceRecord {
    contact: ContactRecord,
    added: Vec<Code>,
    removed: Vec<Code>,
}

impl Recorded for ReplaceResult {
    type Record = ReplaceRecord;

    fn record(&self) -> ReplaceRecord {
        ReplaceRecord {
            contact: self.contact.record(),
            added: self.added.clone(),
            removed: self.removed.clone(),
        }
    }

    async fn recall(record: ReplaceRecord, domain: &Domain, call: &Call) -> Result<Self> {
        Ok(Self {
            contact: Contact::recall(record.contact, domain, call).await?,
            added: record.added,
            removed: record.removed,
        })
    }
}

/// Replaces the groups of a contact.
pub(crate) async fn replace(
    domain: &Domain,
    call: &Call,
    contact_id: &ContactId,
    codes: &[Code],
    etag: Option<&str>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<ReplaceResult>> {
    domain
        .write_once(call, key, async |tx| {
            let tenant_id = tx.tenant_id();
            let contact = lookup::current_contact(tx, contact_id, etag).await?;
            let present = lookup::codes_of(tx, &contact).await?;
            let added = except(codes, &present);
            let removed = except(&present, codes);
            assign_all(tx, contact_id, &added).await?;
            change(tx, &pairs(contact_id, &removed), Direction::Unassign).await?;
            let contact = lookup::contact(tx, tenant_id, contact_id).await?;
            Ok(ReplaceResult {
                contact,
                added,
                removed,
            })
        })
        .await
}

/// Assigns groups to a contact; an unknown code is an error.
pub(super) async fn assign_all(
    tx: &mut Transaction,
    contact_id: &ContactId,
    codes: &[Code],
) -> Result<()> {
    let rows = change(tx, &pairs(contact_id, codes), Direction::Assign).await?;
    let mut rows = rows.into_iter().zip(codes);
    match rows.find(|(row, _)| row.group_id.is_none()) {
        None => Ok(()),
        Some((row, code)) => Err(Error::no_group(code, row.current)),
    }
}

/// Pairs of one contact and many groups.
pub(super) fn pairs(contact_id: &ContactId, codes: &[Code]) -> Vec<Assignment> {
    let pair = |code: &Code| Assignment {
        contact_id: contact_id.clone(),
        code: code.clone(),
    };
    codes.iter().map(pair).collect()
}

/// The codes of `all` that are not in `others`, in order and once each.
fn except(all: &[Code], others: &[Code]) -> Vec<Code> {
    let others: HashSet<&Code> = others.iter().collect();
    let rest: BTreeSet<&Code> = all.iter().filter(|code| !others.contains(code)).collect();
    rest.into_iter().cloned().collect()
}
