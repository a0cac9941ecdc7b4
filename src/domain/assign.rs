//! Changing memberships in a transaction.

use std::collections::{BTreeMap, HashMap};

use super::Result;
use crate::{
    model::{Assignment, Change, Direction},
    store::{self, Transaction, memberships::PairResult},
};

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
