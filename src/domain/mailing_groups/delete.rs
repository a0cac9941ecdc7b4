//! Deletes a group, in steps if it has many members.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        Call, Committed, Domain, Error, IdempotencyKey, MAX_STEP_ROWS, Precondition, Resource,
        Result,
        idempotency::{LongWork, StepOutcome},
        lookup,
    },
    model::{Change, Code, MailingGroup},
    store::{self, Transaction},
};

/// What a deletion that is not complete has done.
#[derive(Serialize, Deserialize)]
struct BegunGroupDeletion {
    /// The group. Another one may have its code by now.
    group_id: i32,
    /// Memberships that were deleted.
    unassigned: usize,
}

/// Deletes a group; with `force` also one that has members, in steps. Returns the number of members
/// it had.
pub(crate) async fn delete(
    domain: &Domain,
    call: &Call,
    code: &Code,
    etag: Option<&str>,
    force: bool,
    key: Option<IdempotencyKey>,
) -> Result<Committed<usize>> {
    let deletion = GroupDeletion {
        code: code.clone(),
        etag: etag.map(str::to_owned),
        force,
        validate_only: call.validate_only,
    };
    domain.write_in_steps(call, key, deletion).await
}

struct GroupDeletion {
    code: Code,
    etag: Option<String>,
    force: bool,
    validate_only: bool,
}

impl LongWork for GroupDeletion {
    type Result = usize;
    type Begun = BegunGroupDeletion;

    async fn step(
        &self,
        tx: &mut Transaction,
        begun: Option<BegunGroupDeletion>,
    ) -> Result<StepOutcome<usize, BegunGroupDeletion>> {
        let (group, before) = match begun {
            None => {
                let etag = self.etag.as_deref();
                (lookup::current_group(tx, &self.code, etag).await?, 0)
            }
            Some(begun) => (remaining(tx, &self.code, &begun).await?, begun.unassigned),
        };
        let count = unassigned_by(&group, self.force)?;
        match self.validate_only {
            true => Ok(StepOutcome::Done(before + count)),
            false => step(tx, group, count, before).await,
        }
    }
}

/// A group of which the deletion has begun.
async fn remaining(
    tx: &mut Transaction,
    code: &Code,
    begun: &BegunGroupDeletion,
) -> Result<MailingGroup> {
    let tenant_id = tx.tenant_id();
    let group = store::mailing_groups::find_by_number(tx, tenant_id, begun.group_id).await?;
    group.ok_or_else(|| Error::not_found(Resource::MailingGroup, code))
}

/// How many memberships the deletion of a group deletes, unless it is refused.
fn unassigned_by(group: &MailingGroup, force: bool) -> Result<usize> {
    let count = group.contact_count();
    if count > 0 && !force {
        let code = group.code.clone();
        return Err(Error::Precondition(Precondition::GroupHasMembers {
            code,
            count,
        }));
    }
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Deletes a part of the group's memberships, or the rest of them and the group.
async fn step(
    tx: &mut Transaction,
    group: MailingGroup,
    count: usize,
    before: usize,
) -> Result<StepOutcome<usize, BegunGroupDeletion>> {
    let group_id = group.group_id;
    let complete = count <= MAX_STEP_ROWS;
    let members = match complete {
        true => store::memberships::delete_group(tx, group_id).await?,
        false => {
            let members = store::memberships::first_members(tx, group_id, MAX_STEP_ROWS).await?;
            store::memberships::delete_members(tx, group_id, members.clone()).await?;
            members
        }
    };
    let unassigned = before + members.len();
    if !members.is_empty() {
        let code = group.code.clone();
        tx.log(Change::MembersRemoved(group_id, code, members));
    }
    if !complete {
        return Ok(StepOutcome::Begun(BegunGroupDeletion {
            group_id,
            unassigned,
        }));
    }
    store::mailing_groups::delete(tx, group_id).await?;
    tx.log(Change::GroupDeleted(group_id, group.code));
    Ok(StepOutcome::Done(unassigned))
}
