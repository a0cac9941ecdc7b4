//! Imports: many items, committed in chunks, which can be continued where they broke off.

use super::{
    assignments,
    contacts::{self, PutOutcome},
};
pub(crate) use crate::store::imports::{Rejected, Tally};
use crate::{
    domain::{Call, Domain, Error, Result},
    model::{Assignment, NewContact, Outcome, RequestId, Revision},
    store::{self, Transaction},
};

/// What is imported. The numbers are those of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Kind {
    /// Contacts.
    #[error("contacts")]
    Contacts = 1,
    /// Memberships.
    #[error("memberships")]
    Memberships = 2,
}

/// An import and how far it has come.
pub(crate) struct Import {
    domain: Domain,
    call: Call,
    kind: Kind,
    /// Its name; one without cannot be continued.
    id: Option<RequestId>,
    /// Everything up to here is committed.
    pub(crate) tally: Tally,
}

/// What became of a chunk: the totals after it, and what its sender is told of its refused items.
#[derive(Debug)]
pub(crate) struct Note {
    /// The totals.
    pub(crate) tally: Tally,
    /// The refused items.
    pub(crate) rejected: Vec<Rejected>,
}

impl Import {
    /// An import that has not begun.
    pub(crate) fn new(domain: Domain, call: Call, kind: Kind) -> Self {
        Self {
            domain,
            call,
            kind,
            id: None,
            tally: Tally::default(),
        }
    }

    /// Gives the import its name, and continues the one that has it already.
    pub(crate) async fn resume(&mut self, id: RequestId) -> Result<()> {
        let find =
            async |conn: &mut _, tenant_id| Ok(store::imports::find(conn, tenant_id, &id).await?);
        let known = self.domain.read_of(&self.call, find).await?;
        if let Some((kind, tally)) = known {
            if kind != self.kind as i16 {
                return Err(Error::invalid(
                    "start.import_id",
                    "is the name of an import of another kind; take a new one",
                ));
            }
            self.tally = tally;
        }
        self.id = Some(id);
        Ok(())
    }

    /// What was refused of this import before, from an item on, up to the present place; some of
    /// it.
    pub(crate) async fn rejected(&self, from: i64) -> Result<Vec<Rejected>> {
        let Some(id) = &self.id else {
            return Ok(Vec::new());
        };
        let read = async |conn: &mut _, tenant_id| {
            Ok(store::imports::rejections(conn, tenant_id, id, from).await?)
        };
        let mut rejected = self.domain.read_of(&self.call, read).await?;
        rejected.retain(|(index, _)| *index < self.tally.processed_count);
        Ok(rejected)
    }

    /// Commits contacts; `note` says what became of them.
    pub(crate) async fn put_contacts(
        &mut self,
        items: &[NewContact],
        note: impl FnOnce(Vec<PutOutcome>, Revision) -> Note,
    ) -> Result<Vec<Rejected>> {
        let put = async |tx: &mut Transaction| contacts::put_in(tx, items).await;
        self.commit(put, note).await
    }

    /// Commits memberships; `note` says what became of them.
    pub(crate) async fn assign(
        &mut self,
        items: &[Assignment],
        note: impl FnOnce(Vec<Outcome>, Revision) -> Note,
    ) -> Result<Vec<Rejected>> {
        let assign = async |tx: &mut Transaction| assignments::assign_in(tx, items).await;
        self.commit(assign, note).await
    }

    /// Commits a chunk together with how far the import has come.
    async fn commit<T>(
        &mut self,
        op: impl AsyncFnOnce(&mut Transaction) -> Result<T>,
        note: impl FnOnce(T, Revision) -> Note,
    ) -> Result<Vec<Rejected>> {
        let (id, kind, before) = (&self.id, self.kind as i16, self.tally.processed_count);
        let write = async |tx: &mut Transaction| {
            let outcomes = op(tx).await?;
            let note = note(outcomes, tx.revision_after());
            if let Some(id) = id {
                if store::imports::advance(tx, id, kind, before, note.tally).await? == 0 {
                    return Err(Error::ImportOvertaken(id.clone()));
                }
                if !note.rejected.is_empty() {
                    store::imports::reject(tx, id, note.rejected.clone()).await?;
                }
            }
            Ok(note)
        };
        let (note, _) = self.domain.write(&self.call, write).await?;
        self.tally = note.tally;
        Ok(note.rejected)
    }
}
