//! What is imported, and how it is written.

use std::{collections::HashSet, future::Future};

use crate::{
    domain::{
        Result, memberships,
        upsert::{Drafts, ItemOutcome, Refusal, upsert, validate},
    },
    model::{Assignment, AssignmentOutcome, ContactRow, ImportKind, TenantId},
    store::{Connection, Transaction},
};

/// What is imported.
pub(crate) trait Importable: Sized + Send + Sync + 'static {
    const KIND: ImportKind;
    /// Why an item is refused.
    type Refusal: Send + 'static;
    /// What a validation remembers of the items before.
    type Validated: Default + Send + Sync + 'static;

    /// Writes items. Returns one outcome per item, in order.
    fn put(
        tx: &mut Transaction,
        chunks: Vec<Vec<Self>>,
    ) -> impl Future<Output = Result<Vec<ItemOutcome<Self::Refusal>>>> + Send;

    /// The outcomes that writing the items would have.
    fn validate(
        conn: &mut Connection,
        tenant_id: TenantId,
        before: &mut Self::Validated,
        chunks: Vec<Vec<Self>>,
    ) -> impl Future<Output = Result<Vec<ItemOutcome<Self::Refusal>>>> + Send;
}

impl Importable for ContactRow {
    const KIND: ImportKind = ImportKind::Contacts;
    type Refusal = Refusal;
    type Validated = Drafts;

    async fn put(
        tx: &mut Transaction,
        chunks: Vec<Vec<Self>>,
    ) -> Result<Vec<ItemOutcome<Refusal>>> {
        upsert(tx, &chunks).await
    }

    async fn validate(
        conn: &mut Connection,
        tenant_id: TenantId,
        before: &mut Drafts,
        chunks: Vec<Vec<Self>>,
    ) -> Result<Vec<ItemOutcome<Refusal>>> {
        validate(conn, tenant_id, before, &chunks).await
    }
}

impl Importable for Assignment {
    const KIND: ImportKind = ImportKind::Memberships;
    type Refusal = AssignmentOutcome;
    /// The hashes of the assignments.
    type Validated = HashSet<u64>;

    async fn put(
        tx: &mut Transaction,
        chunks: Vec<Vec<Self>>,
    ) -> Result<Vec<ItemOutcome<AssignmentOutcome>>> {
        let outcomes = memberships::assign_in(tx, &concat(chunks)).await?;
        Ok(outcomes.into_iter().map(Into::into).collect())
    }

    async fn validate(
        conn: &mut Connection,
        tenant_id: TenantId,
        before: &mut HashSet<u64>,
        chunks: Vec<Vec<Self>>,
    ) -> Result<Vec<ItemOutcome<AssignmentOutcome>>> {
        let outcomes = memberships::validate(conn, tenant_id, before, &concat(chunks)).await?;
        Ok(outcomes.into_iter().map(Into::into).collect())
    }
}

impl From<AssignmentOutcome> for ItemOutcome<AssignmentOutcome> {
    fn from(outcome: AssignmentOutcome) -> Self {
        match outcome {
            AssignmentOutcome::Changed => Self::Created,
            AssignmentOutcome::Unchanged => Self::Unchanged,
            AssignmentOutcome::UnknownContact
            | AssignmentOutcome::UnknownGroup
            | AssignmentOutcome::ContactMerged(_)
            | AssignmentOutcome::GroupRenamed(_) => Self::Refused(outcome),
        }
    }
}

fn concat<T>(chunks: Vec<Vec<T>>) -> Vec<T> {
    chunks.into_iter().flatten().collect()
}
