//! The calls that run in batches: a queue per tenant for each kind of call.

mod contacts;
mod mailing_groups;
mod memberships;
mod selection;

use std::{collections::BTreeSet, sync::Arc};

use tokio::{sync::Semaphore, time::Instant};

pub(super) use self::{
    contacts::{
        CreateContact, CreateContacts, GetContacts, UpdateContact, UpdateContacts, create,
        create_one, update_one,
    },
    mailing_groups::{GetGroups, ListContactGroups},
    memberships::ChangeMemberships,
    selection::{CatchUp, KnownSets},
};
use super::{
    batch::{BatchOperation, Batcher, MAX_QUEUED},
    database::Call,
};
use crate::{
    metrics::{BATCH_QUEUE, at_reading},
    model::{Direction, TenantName},
};

/// The queues of all kinds of calls.
pub(super) struct JobQueues {
    assign: Batcher<ChangeMemberships>,
    unassign: Batcher<ChangeMemberships>,
    pub(super) create_contact: Batcher<CreateContacts>,
    pub(super) update_contact: Batcher<UpdateContacts>,
    pub(super) get_contact: Batcher<GetContacts>,
    pub(super) get_group: Batcher<GetGroups>,
    pub(super) list_groups: Batcher<ListContactGroups>,
    pub(super) catch_up: Batcher<CatchUp>,
}

impl JobQueues {
    /// Queues whose batches leave a quarter of the database connections to other calls.
    pub(super) fn new(connections: usize) -> Self {
        let permits = Arc::new(Semaphore::new((connections - connections / 4).max(1)));
        fn batcher<O: BatchOperation>(name: &str, permits: &Arc<Semaphore>) -> Batcher<O> {
            let batcher = Batcher::new(name, Arc::clone(permits), MAX_QUEUED);
            let (measured, queued) = (batcher.clone(), BATCH_QUEUE.gauge(&[name]));
            at_reading(move || queued.set(measured.queued() as f64));
            batcher
        }
        Self {
            assign: batcher("AssignMailingGroup", &permits),
            unassign: batcher("UnassignMailingGroup", &permits),
            create_contact: batcher("CreateContact", &permits),
            update_contact: batcher("UpdateContact", &permits),
            get_contact: batcher("GetContact", &permits),
            get_group: batcher("GetMailingGroup", &permits),
            list_groups: batcher("ListContactMailingGroups", &permits),
            catch_up: batcher("CatchUp", &permits),
        }
    }

    /// The queue of assignments or of unassignments.
    pub(super) fn memberships(&self, direction: Direction) -> &Batcher<ChangeMemberships> {
        match direction {
            Direction::Assign => &self.assign,
            Direction::Unassign => &self.unassign,
        }
    }
}

/// The input of one call of a batch.
pub(super) struct JobItem<T> {
    request_id: String,
    actor: Arc<str>,
    deadline: Option<Instant>,
    input: T,
}

impl<T> JobItem<T> {
    pub(super) fn new(call: &Call, input: T) -> Self {
        Self {
            request_id: call.request_id.clone(),
            actor: Arc::clone(&call.actors),
            deadline: call.deadline,
            input,
        }
    }
}

/// Maximum number of request ids and of callers that the history keeps of one batch.
const MAX_REQUEST_IDS: usize = 16;

/// The call of a batch. Its revision is made by all items: the history names them by their request
/// ids in order, with commas, and after 16 of them by the number of the others, as in `a,b,+9`.
fn batch_call<T>(tenant: &TenantName, items: &[JobItem<T>]) -> Call {
    let ids = items.iter().take(MAX_REQUEST_IDS);
    let mut ids: Vec<_> = ids.map(|item| item.request_id.clone()).collect();
    let others = items.len() - ids.len();
    if others > 0 {
        ids.push(format!("+{others}"));
    }
    Call {
        tenant: tenant.clone(),
        request_id: ids.join(","),
        actors: actors(items),
        deadline: items.iter().filter_map(|item| item.deadline).max(),
        validate_only: false,
    }
}

/// Who calls: each once, on a line, in the order of the items, and after 16 the number of the others.
fn actors<T>(items: &[JobItem<T>]) -> Arc<str> {
    let mut names: Vec<&str> = Vec::new();
    let mut others = BTreeSet::new();
    for item in items {
        match names.contains(&&*item.actor) {
            false if names.len() < MAX_REQUEST_IDS => names.push(&item.actor),
            false => drop(others.insert(&item.actor)),
            true => {}
        }
    }
    if let (&[name], true) = (&*names, others.is_empty()) {
        return Arc::from(name);
    }
    let others = (!others.is_empty()).then(|| format!("+{}", others.len()));
    names.extend(others.as_deref());
    Arc::from(names.join("\n"))
}

/// The call of a batch that only reads.
fn read_call(tenant: &TenantName) -> Call {
    batch_call::<()>(tenant, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request_id(ids: &[&str]) -> String {
        let tenant = "t".parse().expect("a tenant");
        let item = |id: &&str| JobItem {
            request_id: (*id).to_owned(),
            actor: Arc::from("anyone"),
            deadline: None,
            input: (),
        };
        let items: Vec<_> = ids.iter().map(item).collect();
        batch_call(&tenant, &items).request_id
    }

    #[test]
    fn a_batch_is_named_by_its_calls_up_to_a_bound() {
        assert_eq!(request_id(&["a"]), "a");
        assert_eq!(request_id(&["a", "b"]), "a,b");
        let long = request_id(&["x"; 1_000]);
        assert_eq!(long, format!("{}+984", "x,".repeat(16)));
    }

    #[test]
    fn a_batch_is_made_by_all_its_callers_up_to_a_bound() {
        let item = |name: &str| JobItem {
            request_id: "a".to_owned(),
            actor: Arc::from(name),
            deadline: None,
            input: (),
        };
        let of = |names: &[&str]| actors(&names.iter().map(|it| item(it)).collect::<Vec<_>>());
        assert_eq!(&*of(&["b", "b", "b"]), "b");
        assert_eq!(&*of(&["b", "a, c", "b"]), "b\na, c");
        let many: Vec<_> = (0..40).map(|it| (it / 2).to_string()).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(of(&many).ends_with("\n15\n+4"));
        assert_eq!(&*of(&[]), "");
    }
}
