//! Builds a segment by actions, undoes them, and lists them.

use super::{counted, current, draft::SegmentDraft, existing, merges::MergeMap};
use crate::{
    domain::{
        Call, Committed, Domain, Error, IdempotencyKey, Precondition, Resource, Result,
        UnknownContact, lookup,
        selection::{self, SelectionPart, SelectionSource},
    },
    model::{
        ActionKind, Change, ContactId, ContactSet, CountedSegment, Criterion, Expression, PageSize,
        SegmentAction, SegmentId, SelectionOptions, Selector,
    },
    store::{self, Transaction},
};

/// How many of the contacts that an action named are listed.
const MAX_LISTED_CONTACTS: usize = 10;

/// The contacts that an action applies to, as in the request.
#[derive(Debug, Clone)]
pub(crate) enum ActionTarget {
    /// The contacts that match.
    Expression(Expression),
    /// Contacts given by id.
    Contacts(Vec<ContactId>),
}

/// A requested action.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    /// What it does.
    pub(crate) kind: ActionKind,
    /// Who is meant.
    pub(crate) target: ActionTarget,
    /// The options of an Add.
    pub(crate) options: SelectionOptions,
    /// A match counts for its whole company, in a Reduce or Refine.
    pub(crate) entire_companies: bool,
}

/// The result of actions.
#[derive(Debug, Clone)]
pub(crate) struct ActionResult {
    /// The segment as it is then.
    pub(crate) segment: CountedSegment,
    /// Contacts that came onto it.
    pub(crate) added: u64,
    /// Contacts that left it.
    pub(crate) removed: u64,
    /// Matches dropped because they are to be left out of segments.
    pub(crate) excluded: u64,
    /// Matches dropped because they are privacy-blocked.
    pub(crate) privacy_blocked: u64,
}

/// Runs an action.
pub(crate) async fn act(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    action: Action,
    etag: Option<&str>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<ActionResult>> {
    if let Some(done) = domain.recall_done(call, key.as_ref()).await? {
        return Ok(done);
    }
    prepare(domain, call, id, &action).await?;
    domain
        .write_once(call, key, async |tx| {
            let criterion = action.criterion(tx).await?;
            let mut draft = SegmentDraft::load(domain, tx, id, etag).await?;
            draft
                .apply(domain, tx, SelectionPart::Action, criterion)
                .await?;
            draft.finish(tx).await
        })
        .await
}

/// Validates the action and fills the cache before the transaction takes the tenant's write lock.
async fn prepare(domain: &Domain, call: &Call, id: &SegmentId, action: &Action) -> Result<()> {
    domain
        .read_of(call, async |conn, tenant_id| {
            existing(conn, tenant_id, id).await
        })
        .await?;
    if let ActionTarget::Expression(expression) = &action.target {
        let options = action.selection_options();
        let source = SelectionSource::Expression(expression.clone(), options);
        selection::select_all(domain, call, [(SelectionPart::Action, &source)]).await?;
    }
    Ok(())
}

impl Action {
    fn with(&self, selector: Selector) -> Criterion {
        Criterion {
            kind: self.kind,
            selector,
            options: self.options,
            entire_companies: self.entire_companies,
        }
    }

    fn selection_options(&self) -> SelectionOptions {
        self.with(Selector::Contacts(ContactSet::new()))
            .selection_options()
    }

    /// The action with contact numbers instead of ids.
    async fn criterion(&self, tx: &mut Transaction) -> Result<Criterion> {
        Ok(self.with(match &self.target {
            ActionTarget::Expression(expression) => Selector::Expression(expression.clone()),
            ActionTarget::Contacts(ids) => Selector::Contacts(numbers(tx, ids).await?),
        }))
    }
}

/// The numbers of contacts, all of which must exist.
async fn numbers(tx: &mut Transaction, ids: &[ContactId]) -> Result<ContactSet> {
    let tenant_id = tx.tenant_id();
    let wanted: Vec<&ContactId> = ids.iter().collect();
    let known = store::contacts::numbers(tx, tenant_id, &wanted).await?;
    let unknown = ids.iter().filter(|id| !known.contains_key(*id));
    let merged = lookup::merged(tx, tenant_id, unknown).await?;
    let unknown = |(at, id): (usize, &ContactId)| UnknownContact {
        at,
        id: id.clone(),
        merged_into: merged.get(id).cloned(),
    };
    let places = ids.iter().enumerate();
    let places = places.filter(|(_, id)| !known.contains_key(*id));
    let unknown: Vec<_> = places.map(unknown).collect();
    match unknown.is_empty() {
        true => Ok(known.into_values().map(i32::cast_unsigned).collect()),
        false => Err(Error::UnknownContacts(unknown)),
    }
}

/// Undoes the last action exactly: removes the contacts that it added, and restores those that it
/// removed.
pub(crate) async fn go_back(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    etag: Option<&str>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<ActionResult>> {
    if let Some(done) = domain.recall_done(call, key.as_ref()).await? {
        return Ok(done);
    }
    domain
        .read_of(call, async |conn, tenant_id| {
            existing(conn, tenant_id, id).await
        })
        .await?;
    selection::population(domain, call).await?;
    domain
        .write_once(call, key, async |tx| go_back_in(domain, tx, id, etag).await)
        .await
}

async fn go_back_in(
    domain: &Domain,
    tx: &mut Transaction,
    id: &SegmentId,
    etag: Option<&str>,
) -> Result<ActionResult> {
    let (segment, mut stored) = current(tx, id, etag).await?;
    let (number, last) = (segment.segment_number, segment.action_count);
    if last == 0 {
        return Err(Error::Precondition(Precondition::NothingToUndo(segment.id)));
    }
    let (kind, changed) = store::segments::actions::find_changed(tx, number, last).await?;
    let Some(changed) = changed else {
        let id = segment.id;
        return Err(Error::Precondition(Precondition::UndoHistoryEnded(id)));
    };
    let population = selection::population_in(domain, tx).await?;
    let tenant_id = tx.tenant_id();
    let merges = MergeMap::read(tx, tenant_id, &population.everyone, &[&stored, &changed]).await?;
    let before = merges.resolve(&stored);
    match kind {
        ActionKind::Add => stored -= changed,
        ActionKind::Reduce | ActionKind::Refine => stored |= changed,
    }
    let after = merges.resolve(&stored);
    tx.log(Change::SegmentUpdated(number, segment.id));
    store::segments::actions::delete(tx, number, last).await?;
    let stored = &stored - merges.dangling(&stored);
    let segment = store::segments::update(tx, number, last - 1, Some(stored)).await?;
    Ok(ActionResult {
        segment: counted(segment, &after, &population),
        added: after.difference_len(&before),
        removed: before.difference_len(&after),
        excluded: 0,
        privacy_blocked: 0,
    })
}

/// Lists the actions of a segment after the one numbered `after`, each with the first of the
/// contacts that it named. Contacts that are gone are left out.
pub(crate) async fn list_actions(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    after: i32,
    size: PageSize,
) -> Result<Vec<(SegmentAction, Vec<ContactId>)>> {
    let actions = domain
        .read_via_replica_of(call, async |conn, tenant_id| {
            let number = existing(conn, tenant_id, id).await?.segment_number;
            Ok(store::segments::actions::page(conn, tenant_id, number, after, size).await?)
        })
        .await?;
    let mut listed = Vec::with_capacity(actions.len());
    for mut action in actions {
        let selector = &mut action.criterion.selector;
        let ids = named_contacts(domain, call, selector, MAX_LISTED_CONTACTS).await?;
        listed.push((action, ids));
    }
    Ok(listed)
}

/// Reads one action of a segment, with all contacts that it named and that still exist.
pub(crate) async fn get_action(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    number: i32,
) -> Result<(SegmentAction, Vec<ContactId>)> {
    let read = domain.read_of(call, async |conn, tenant_id| {
        let segment = existing(conn, tenant_id, id).await?.segment_number;
        let (after, size) = (number - 1, PageSize::ONE);
        Ok(store::segments::actions::page(conn, tenant_id, segment, after, size).await?)
    });
    let found = read.await?.into_iter().find(|it| it.number == number);
    let missing = || Error::not_found(Resource::SegmentAction, format_args!("{id}/{number}"));
    let mut action = found.ok_or_else(missing)?;
    let selector = &mut action.criterion.selector;
    let ids = named_contacts(domain, call, selector, usize::MAX).await?;
    Ok((action, ids))
}

/// Takes contacts that are gone out of a selector, and returns the ids of up to `max` of the others.
pub(super) async fn named_contacts(
    domain: &Domain,
    call: &Call,
    selector: &mut Selector,
    max: usize,
) -> Result<Vec<ContactId>> {
    let Selector::Contacts(set) = selector else {
        return Ok(Vec::new());
    };
    let population = selection::population(domain, call).await?;
    let read = domain.read_of(call, async |conn, tenant_id| {
        let merges = MergeMap::read(conn, tenant_id, &population.everyone, &[set]).await?;
        let present = merges.resolve(set);
        let first = present.iter().take(max).map(u32::cast_signed);
        let first: Vec<i32> = first.collect();
        let ids = store::contacts::ids(conn, tenant_id, &first).await?;
        Ok((present, ids))
    });
    let (present, ids) = read.await?;
    *set = present;
    Ok(ids.into_iter().map(|(_, id)| id).collect())
}
