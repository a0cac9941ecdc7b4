//! Building a segment step by step, and going back.

mod back;
mod draft;
mod history;

use std::sync::Arc;

pub(super) use self::draft::SegmentDraft;
pub(crate) use self::{back::go_back, history::list_actions};
use super::existing;
use crate::{
    domain::{
        Call, Committed, Domain, Error, Result,
        selection::{self, SelectionSource},
    },
    model::{
        ActionKind, ContactId, ContactSet, CountedSegment, Criterion, Expression, SegmentId,
        SelectionOptions, Selector,
    },
    store::{self, Transaction},
};

/// How many actions of a segment can be undone: the deltas of the latest ones are kept.
pub(crate) const MAX_UNDOABLE_ACTIONS: i32 = 256;

/// Who is meant by an action, as a caller says it.
#[derive(Debug, Clone)]
pub(crate) enum ActionTarget {
    /// Those who match.
    Expression(Expression),
    /// These.
    Contacts(Vec<ContactId>),
}

/// An action to be done.
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

/// What actions did, or would do.
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
    /// Matches dropped because they asked for it.
    pub(crate) privacy_blocked: u64,
}

/// Does an action, or only says what it would do.
pub(crate) async fn act(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    action: Action,
    validate_only: bool,
) -> Result<Committed<ActionResult>> {
    prepare(domain, call, id, &action).await?;
    domain
        .write(call, async |tx| {
            let criterion = action.criterion(tx).await?;
            let mut draft = SegmentDraft::load(domain, tx, id).await?;
            draft.run(domain, tx, criterion).await?;
            draft.finish(tx, validate_only).await
        })
        .await
}

/// Finds out what is wrong, and reads what is needed, before the tenant's writes are held up.
async fn prepare(domain: &Domain, call: &Call, id: &SegmentId, action: &Action) -> Result<()> {
    domain
        .read_of(call, async |conn, tenant_id| {
            existing(conn, tenant_id, id).await
        })
        .await?;
    if let ActionTarget::Expression(expression) = &action.target {
        let options = action.selection_options();
        let source = SelectionSource::Expression(expression.clone(), options);
        selection::select(domain, call, &source).await?;
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

    /// The action with contacts for their ids.
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
    let unknown: Vec<(usize, ContactId)> = ids
        .iter()
        .enumerate()
        .filter(|(_, id)| !known.contains_key(*id))
        .map(|(at, id)| (at, id.clone()))
        .collect();
    match unknown.is_empty() {
        true => Ok(known.into_values().map(i32::cast_unsigned).collect()),
        false => Err(Error::UnknownContacts(unknown)),
    }
}

/// Where the contacts of a criterion come from.
fn source(criterion: &Criterion) -> SelectionSource {
    let options = criterion.selection_options();
    match &criterion.selector {
        Selector::Expression(expression) => {
            SelectionSource::Expression(expression.clone(), options)
        }
        Selector::Contacts(set) => SelectionSource::Contacts(Arc::new(set.clone()), options),
    }
}
