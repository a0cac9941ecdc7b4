//! Applies a group to the contacts on a segment, in steps.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{current, existing, merges::MergeMap};
use crate::{
    domain::{
        Call, Committed, Domain, Error, IdempotencyKey, MAX_STEP_ROWS, Resource, Result,
        idempotency::StepOutcome, lookup, selection,
    },
    model::{Change, Code, ContactSet, MailingGroup, SegmentId},
    store::{self, Transaction},
};

/// How many memberships came and went, or would.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Applied {
    /// Contacts that got the group.
    pub(crate) added: u64,
    /// Contacts that lost the group.
    pub(crate) removed: u64,
    /// Contacts that still have to get or lose it. Version 0.1.0 had no steps.
    #[serde(default)]
    pub(crate) remaining: u64,
}

/// Assigns a group to everyone on a segment, and with `replace` takes it from everybody else; or
/// only says what that would do. Works in steps, as
/// [`write_in_steps`](Domain::write_in_steps) does, and reports each.
pub(crate) struct Application {
    domain: Domain,
    call: Call,
    code: Code,
    group_id: i32,
    /// The contacts that were on the segment when the call began.
    wanted: Arc<ContactSet>,
    replace: bool,
    key: Option<IdempotencyKey>,
    /// What is to be done.
    planned: Committed<Applied>,
    state: ApplyState,
}

enum ApplyState {
    /// What was done so far; nothing before the first step.
    Running(Option<Applied>),
    /// A repeated call was complete before.
    Repeated(Committed<Applied>),
    Ended,
}

impl Application {
    /// Reads what has to be done.
    pub(crate) async fn begin(
        domain: &Domain,
        call: &Call,
        id: &SegmentId,
        code: &Code,
        replace: bool,
        etag: Option<&str>,
        key: Option<IdempotencyKey>,
    ) -> Result<Self> {
        let state = match domain.recall(call, key.as_ref()).await? {
            None => ApplyState::Running(None),
            Some((StepOutcome::Begun(begun), _)) => ApplyState::Running(Some(begun)),
            Some((StepOutcome::Done(done), revision)) => ApplyState::Repeated((done, revision)),
        };
        let mut application = Self {
            domain: domain.clone(),
            call: call.clone(),
            code: code.clone(),
            group_id: 0,
            wanted: Arc::default(),
            replace,
            key,
            planned: Committed::default(),
            state,
        };
        match application.state {
            ApplyState::Running(None) => application.plan(id, code, etag).await?,
            ApplyState::Running(Some(_)) => application.plan(id, code, None).await?,
            ApplyState::Repeated(_) | ApplyState::Ended => {}
        }
        Ok(application)
    }

    /// What the first step of a call that does everything would return.
    pub(crate) fn planned(&self) -> Committed<Applied> {
        self.planned
    }

    async fn plan(&mut self, id: &SegmentId, code: &Code, etag: Option<&str>) -> Result<()> {
        let (domain, call) = (self.domain.clone(), self.call.clone());
        let (domain, call) = (&domain, &call);
        let check = async |conn: &mut _, tenant_id| existing(conn, tenant_id, id).await;
        domain.read_of(call, check).await?;
        selection::population(domain, call).await?;
        let plan = async |tx: &mut Transaction| {
            let tenant_id = tx.tenant_id();
            let (_, stored) = current(tx, id, etag).await?;
            let group = lookup::group(tx, tenant_id, code).await?;
            let population = selection::population_in(domain, tx).await?;
            let merges = MergeMap::read(tx, tenant_id, &population.everyone, &[&stored]).await?;
            let wanted = merges.resolve(&stored);
            let present = selection::members_in(domain, tx, group.group_id).await?;
            tx.refuse();
            Ok((group.group_id, wanted, present))
        };
        let ((group_id, wanted, present), revision) = domain.write(call, plan).await?;
        (self.group_id, self.wanted) = (group_id, Arc::new(wanted));
        let (added, removed) = self.changes(&self.wanted, &present);
        let planned = Applied {
            added: added.len(),
            removed: removed.len(),
            remaining: 0,
        };
        self.planned = (planned, revision);
        Ok(())
    }

    /// Who has to get and who has to lose the group.
    fn changes(&self, wanted: &ContactSet, present: &ContactSet) -> (ContactSet, ContactSet) {
        let removed = match self.replace {
            true => present - &*self.wanted,
            false => ContactSet::new(),
        };
        (wanted - present, removed)
    }

    /// Takes the next step and returns what was done so far; `None` after the last.
    pub(crate) async fn step(&mut self) -> Result<Option<Committed<Applied>>> {
        let begun = match std::mem::replace(&mut self.state, ApplyState::Ended) {
            ApplyState::Running(begun) => begun,
            ApplyState::Repeated(done) => return Ok(Some(done)),
            ApplyState::Ended => return Ok(None),
        };
        let step = async |tx: &mut Transaction, begun| self.step_in(tx, begun).await;
        let (call, key) = (&self.call, self.key.as_ref());
        let taken = self.domain.write_step(call, key, begun, step).await;
        Ok(Some(match taken.map_err(Error::repeatable)? {
            (StepOutcome::Begun(begun), revision) => {
                self.state = ApplyState::Running(Some(begun));
                (begun, revision)
            }
            (StepOutcome::Done(done), revision) => (done, revision),
        }))
    }

    async fn step_in(
        &self,
        tx: &mut Transaction,
        begun: Option<Applied>,
    ) -> Result<StepOutcome<Applied, Applied>> {
        let tenant_id = tx.tenant_id();
        let group = store::mailing_groups::find_by_number(tx, tenant_id, self.group_id).await?;
        let group = group.ok_or_else(|| Error::not_found(Resource::MailingGroup, &self.code))?;
        let population = selection::population_in(&self.domain, tx).await?;
        let present = selection::members_in(&self.domain, tx, self.group_id).await?;
        let wanted = &*self.wanted & &*population.everyone;
        let (added, removed) = self.changes(&wanted, &present);
        let lose: ContactSet = removed.iter().take(MAX_STEP_ROWS).collect();
        let room = MAX_STEP_ROWS - lose.len() as usize;
        let get: ContactSet = added.iter().take(room).collect();
        change_members(tx, &group, &get, &lose).await?;
        let before = begun.unwrap_or_default();
        let done = Applied {
            added: before.added + get.len(),
            removed: before.removed + lose.len(),
            remaining: added.len() + removed.len() - get.len() - lose.len(),
        };
        Ok(match done.remaining {
            0 => StepOutcome::Done(done),
            _ => StepOutcome::Begun(done),
        })
    }
}

async fn change_members(
    tx: &mut Transaction,
    group: &MailingGroup,
    added: &ContactSet,
    removed: &ContactSet,
) -> Result<()> {
    let numbers = |set: &ContactSet| set.iter().map(u32::cast_signed).collect::<Vec<i32>>();
    let (id, code) = (group.group_id, &group.code);
    if !removed.is_empty() {
        store::memberships::delete_members(tx, id, numbers(removed)).await?;
        tx.log(Change::MembersRemoved(id, code.clone(), numbers(removed)));
    }
    if !added.is_empty() {
        store::memberships::insert_members(tx, id, numbers(added)).await?;
        tx.log(Change::MembersAdded(id, code.clone(), numbers(added)));
    }
    Ok(())
}
