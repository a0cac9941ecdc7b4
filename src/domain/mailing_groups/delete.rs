//! Deletes a group, in steps if it has many members.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        Call, Committed, Domain, Error, IdempotencyKey, MAX_STEP_ROWS, Precondition, Result,
        lookup,
        once::{self, recorded_as_is},
    },
    model::{Change, Code, MailingGroup},
    store::{self, Transaction},
};

/// What a deletion has done.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Deletion {
    /// Memberships that were deleted.
    unassigned: usize,
    /// Whether the group is deleted too.
    complete: bool,
}

recorded_as_is!(Deletion);

/// Deletes a group; with `force` also one that has members. Returns the number of members it had.
///
/// Members are unassigned in steps, each a transaction under a revision of its own, so that other
/// writes of the tenant wait for one step at most; the last step deletes the group. What was done is
/// kept under the request id with each step: a repetition of a call that broke continues it.
pub(crate) async fn delete(
    domain: &Domain,
    call: &Call,
    code: &Code,
    etag: Option<&str>,
    force: bool,
    key: Option<IdempotencyKey>,
) -> Result<Committed<usize>> {
    let key = key.as_ref();
    let earlier = domain.recall_done::<Deletion>(call, key).await?;
    let mut unassigned = match earlier {
        Some((done, revision)) if done.complete => return Ok((done.unassigned, revision)),
        Some((begun, _)) => begun.unassigned,
        None => 0,
    };
    loop {
        let step = async |tx: &mut Transaction| {
            let group = lookup::current_group(tx, code, etag).await?;
            let done = match call.validate_only {
                true => planned(&group, force)?,
                false => step(tx, group, force).await?,
            };
            let all = Deletion {
                unassigned: unassigned + done.unassigned,
                ..done
            };
            if let Some(key) = key.filter(|_| !call.validate_only) {
                once::keep(tx, key, &all).await?;
            }
            Ok(all)
        };
        let written = domain.write(call, step).await;
        let (done, revision) = written.map_err(|error| match key {
            Some(_) => error.repeatable(),
            None => error,
        })?;
        unassigned = done.unassigned;
        if done.complete {
            return Ok((unassigned, revision));
        }
    }
}

/// What the whole deletion does, unless it is refused.
fn planned(group: &MailingGroup, force: bool) -> Result<Deletion> {
    let count = group.contact_count();
    if count > 0 && !force {
        let code = group.code.clone();
        return Err(Error::Precondition(Precondition::GroupHasMembers {
            code,
            count,
        }));
    }
    Ok(Deletion {
        unassigned: usize::try_from(count).unwrap_or(usize::MAX),
        complete: true,
    })
}

async fn step(tx: &mut Transaction, group: MailingGroup, force: bool) -> Result<Deletion> {
    let (planned, id) = (planned(&group, force)?, group.group_id);
    let complete = planned.unassigned <= MAX_STEP_ROWS;
    let members = match complete {
        true => store::memberships::delete_group(tx, id).await?,
        false => {
            let members = store::memberships::first_members(tx, id, MAX_STEP_ROWS).await?;
            store::memberships::delete_members(tx, id, members.clone()).await?;
            members
        }
    };
    let unassigned = members.len();
    if unassigned > 0 {
        tx.log(Change::MembersRemoved(id, group.code.clone(), members));
    }
    if complete {
        store::mailing_groups::delete(tx, id).await?;
        tx.log(Change::GroupDeleted(id, group.code));
    }
    Ok(Deletion {
        unassigned,
        complete,
    })
}
