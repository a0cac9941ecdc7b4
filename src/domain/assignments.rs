//! Which contacts have which groups.

pub(super) mod batched;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use self::batched::Changing;
use super::{
    Call, Domain, Once, Result, Written,
    batches::Asked,
    contacts::{current, existing},
    mailing_groups,
};
use crate::{
    model::{Assignment, Change, Code, Contact, ContactId, Membership, Outcome},
    store::{self, Transaction, memberships::PairResult},
};

/// The most items of one batch, or of one chunk of an import.
pub(crate) const MAX_BATCH: usize = 10_000;

/// Which way memberships are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Groups are assigned.
    Assign,
    /// Groups are taken away.
    Unassign,
}

/// Changes one membership. Answers it as it is, or was, and whether that changed anything.
pub(crate) async fn change_one(
    domain: &Domain,
    call: &Call,
    item: Assignment,
    direction: Direction,
) -> Result<Written<(Membership, bool)>> {
    let work = || Changing {
        domain: domain.clone(),
        direction,
    };
    let batcher = domain.batches.change(direction);
    batcher.run(&call.tenant, Asked::by(call, item), work).await
}

/// Changes many memberships in one transaction. Answers one outcome an item, in order.
pub(crate) async fn change_many(
    domain: &Domain,
    call: &Call,
    items: &[Assignment],
    direction: Direction,
    once: Option<Once>,
) -> Result<Written<Vec<Outcome>>> {
    domain
        .write_once(call, once, async |tx| {
            let rows = change(tx, items, direction).await?;
            Ok(rows.iter().map(outcome).collect())
        })
        .await
}

/// Assigns many groups. Answers one outcome an item, in order.
pub(super) async fn assign_in(tx: &mut Transaction, items: &[Assignment]) -> Result<Vec<Outcome>> {
    let rows = change(tx, items, Direction::Assign).await?;
    Ok(rows.iter().map(outcome).collect())
}

/// The codes that a replacement added and removed, by code.
pub(crate) struct Replaced {
    /// The contact as it is now.
    pub(crate) contact: Contact,
    /// Codes it did not have.
    pub(crate) added: Vec<Code>,
    /// Codes it no longer has.
    pub(crate) removed: Vec<Code>,
}

/// Gives a contact exactly these groups.
pub(crate) async fn replace(
    domain: &Domain,
    call: &Call,
    contact_id: &ContactId,
    codes: &[Code],
    etag: Option<&str>,
) -> Result<Written<Replaced>> {
    domain
        .write(call, async |tx| {
            let tenant_id = tx.tenant_id();
            let contact = current(tx, contact_id, etag).await?;
            let groups =
                store::memberships::groups_of(tx, tenant_id, contact.contact_number).await?;
            let present: Vec<Code> = groups.into_iter().map(|(_, code)| code).collect();
            let added = except(codes, &present);
            let removed = except(&present, codes);
            assign_all(tx, contact_id, &added).await?;
            change(tx, &pairs(contact_id, &removed), Direction::Unassign).await?;
            let contact = existing(tx, tenant_id, contact_id).await?;
            Ok(Replaced {
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
    match rows.iter().position(|row| row.group_id.is_none()) {
        None => Ok(()),
        Some(unknown) => {
            let tenant_id = tx.tenant_id();
            Err(mailing_groups::unknown(tx, tenant_id, &codes[unknown]).await)
        }
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

/// Changes memberships and logs what changed, group by group.
pub(super) async fn change(
    tx: &mut Transaction,
    items: &[Assignment],
    direction: Direction,
) -> Result<Vec<PairResult>> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let rows = match direction {
        Direction::Assign => store::memberships::assign(tx, items).await?,
        Direction::Unassign => store::memberships::unassign(tx, items).await?,
    };
    let mut codes = HashMap::new();
    let mut numbers: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for (row, item) in rows.iter().zip(items) {
        if let (true, Some(group), Some(contact)) = (row.changed, row.group_id, row.contact_number)
        {
            codes.entry(group).or_insert(&item.code);
            numbers.entry(group).or_default().push(contact);
        }
    }
    for (group_id, mut numbers) in numbers {
        numbers.sort_unstable();
        let code = codes[&group_id].clone();
        tx.log(match direction {
            Direction::Assign => Change::MembersAdded(group_id, code, numbers),
            Direction::Unassign => Change::MembersRemoved(group_id, code, numbers),
        });
    }
    Ok(rows)
}

fn outcome(row: &PairResult) -> Outcome {
    match (row.contact_number, row.group_id) {
        (None, _) => Outcome::UnknownContact,
        (_, None) => Outcome::UnknownGroup,
        _ if row.changed => Outcome::Changed,
        _ => Outcome::Unchanged,
    }
}

/// The codes of `all` that are not in `others`, in order and once each.
fn except(all: &[Code], others: &[Code]) -> Vec<Code> {
    let others: HashSet<&Code> = others.iter().collect();
    let rest: BTreeSet<&Code> = all.iter().filter(|code| !others.contains(code)).collect();
    rest.into_iter().cloned().collect()
}
