//! The calls that run in batches, and what they have in common.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{
    Call,
    assignments::{Direction, batched::Changing},
    batch::{Batcher, MAX_WAITING, Work},
    contacts::batched::{Creating, Reading as ReadingContacts, Updating},
    mailing_groups::batched::{Listing, Reading as ReadingGroups},
};
use crate::model::TenantName;

/// A queue per tenant for each kind of call that runs in batches.
pub(super) struct Batches {
    assign: Batcher<Changing>,
    unassign: Batcher<Changing>,
    pub(super) create_contact: Batcher<Creating>,
    pub(super) update_contact: Batcher<Updating>,
    pub(super) get_contact: Batcher<ReadingContacts>,
    pub(super) get_group: Batcher<ReadingGroups>,
    pub(super) list_groups: Batcher<Listing>,
}

impl Batches {
    /// Queues whose batches leave a quarter of the database connections to other calls.
    pub(super) fn new(connections: usize) -> Self {
        let turns = Arc::new(Semaphore::new((connections - connections / 4).max(1)));
        fn batcher<W: Work>(turns: &Arc<Semaphore>) -> Batcher<W> {
            Batcher::new(Arc::clone(turns), MAX_WAITING)
        }
        Self {
            assign: batcher(&turns),
            unassign: batcher(&turns),
            create_contact: batcher(&turns),
            update_contact: batcher(&turns),
            get_contact: batcher(&turns),
            get_group: batcher(&turns),
            list_groups: batcher(&turns),
        }
    }

    /// The queues of assignments or of their reverse.
    pub(super) fn change(&self, direction: Direction) -> &Batcher<Changing> {
        match direction {
            Direction::Assign => &self.assign,
            Direction::Unassign => &self.unassign,
        }
    }
}

/// What one call of a batch asks for.
pub(super) struct Asked<T> {
    /// The call's name.
    pub(super) request_id: String,
    /// What it asks for.
    pub(super) what: T,
}

impl<T> Asked<T> {
    pub(super) fn by(call: &Call, what: T) -> Self {
        Self {
            request_id: call.request_id.clone(),
            what,
        }
    }
}

/// The most request ids that the history keeps of one batch.
const MAX_REQUEST_IDS: usize = 16;

/// The call that stands for those of a batch. A revision is the work of all of them: the history
/// names them by their ids in order, with commas, and after 16 of them by how many there are
/// more, as in `a,b,+9`.
pub(super) fn call_of<T>(tenant: &TenantName, items: &[Asked<T>]) -> Call {
    let names = items.iter().take(MAX_REQUEST_IDS);
    let mut names: Vec<_> = names.map(|item| item.request_id.clone()).collect();
    let more = items.len() - names.len();
    if more > 0 {
        names.push(format!("+{more}"));
    }
    Call {
        tenant: tenant.clone(),
        request_id: names.join(","),
    }
}

/// The call that stands for those of a batch that only reads.
pub(super) fn reader_of(tenant: &TenantName) -> Call {
    call_of::<()>(tenant, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(ids: &[&str]) -> String {
        let tenant = "t".parse().expect("a tenant");
        let asked = |id: &&str| Asked {
            request_id: (*id).to_owned(),
            what: (),
        };
        let items: Vec<_> = ids.iter().map(asked).collect();
        call_of(&tenant, &items).request_id
    }

    #[test]
    fn a_batch_is_named_by_its_calls_and_never_at_length() {
        assert_eq!(named(&["a"]), "a");
        assert_eq!(named(&["a", "b"]), "a,b");
        let long = named(&["x"; 1_000]);
        assert_eq!(long, format!("{}+984", "x,".repeat(16)));
    }
}
