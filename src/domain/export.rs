//! Exports a tenant in an order in which it can be imported: groups, then contacts with their groups,
//! companies before persons.
//!
//! Memberships come from a snapshot taken at the start. Contacts are read page by page in their present
//! state. A person may therefore have a company that was created, or became a company, after the
//! snapshot. Such a company is read and sent together with the person.

mod assignments;
mod contacts;
mod order;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

pub(crate) use self::{assignments::Assignments, order::ExportPosition};
use self::{
    contacts::{ContactPage, ContactPageReader},
    order::ExportOrder,
};
use super::{
    Call, Domain, Result, lookup,
    selection::{self, Group, Prefetch},
};
use crate::{
    model::{Code, Commit, Contact, ContactKind, ContactSet, PageSize, Revision},
    store,
};

/// Groups in a part.
const GROUPS_PER_PART: usize = 1_000;

/// A part of an export.
pub(crate) enum ExportPart {
    /// Groups, by code.
    MailingGroups(Vec<GroupDefinition>),
    /// Contacts.
    Page(Box<ExportPage>),
}

/// A group as it is defined.
#[derive(Debug)]
pub(crate) struct GroupDefinition {
    /// Its code.
    pub(crate) code: Code,
    /// Its description.
    pub(crate) description: String,
    /// Number of its members.
    pub(crate) contacts: u64,
    /// Number of companies among them.
    pub(crate) companies: u64,
}

/// Contacts and the groups they have.
pub(crate) struct ExportPage {
    /// The contacts, except those deleted since the snapshot.
    pub(crate) contacts: Vec<Contact>,
    /// The groups that the contacts have.
    pub(crate) assignments: Assignments,
    /// The position after this page.
    pub(crate) sent: ExportPosition,
    /// How many contacts were deleted since the snapshot.
    pub(crate) deleted: usize,
}

/// An export in progress.
pub(crate) struct TenantExport {
    domain: Domain,
    call: Call,
    commit: Commit,
    groups: Arc<[Group]>,
    companies: Arc<ContactSet>,
    unsent_groups: VecDeque<Group>,
    pages: Prefetch<ContactPageReader>,
    /// The companies that were sent.
    sent_companies: ContactSet,
}

/// Starts an export, or resumes one. A resumed export first sends what changed among what was sent
/// before: groups, then contacts. The snapshot is not older than the call.
pub(crate) async fn export(
    domain: &Domain,
    call: &Call,
    size: PageSize,
    sent: Option<ExportPosition>,
) -> Result<TenantExport> {
    let snapshot = selection::snapshot(domain, call, |_| true, true).await?;
    let mut unsent_groups: VecDeque<Group> = snapshot.groups.iter().cloned().collect();
    let mut changed = HashMap::new();
    if let Some(ExportPosition { since, .. }) = sent {
        changed = changed_groups(domain, call, since).await?;
        unsent_groups.retain(|group| changed.contains_key(&group.group_id));
    }
    let (order, sent_companies) =
        ExportOrder::read(domain, call, &snapshot, sent, &changed).await?;
    let ranks = Arc::new(order.ranks());
    let reader = ContactPageReader {
        domain: domain.clone(),
        call: call.clone(),
        commit: snapshot.commit,
        order: Arc::new(order),
    };
    Ok(TenantExport {
        domain: domain.clone(),
        call: call.clone(),
        commit: snapshot.commit,
        unsent_groups,
        groups: snapshot.groups.into(),
        companies: snapshot.companies,
        pages: Prefetch::new(reader, ranks, size, 0),
        sent_companies,
    })
}

/// The groups that were created, renamed or described after a revision, each with its revision.
async fn changed_groups(
    domain: &Domain,
    call: &Call,
    since: Revision,
) -> Result<HashMap<i32, Revision>> {
    let read = async |conn: &mut _, tenant_id| {
        Ok(store::mailing_groups::changed_since(conn, tenant_id, since).await?)
    };
    Ok(domain.read_of(call, read).await?.into_iter().collect())
}

impl TenantExport {
    /// The commit of the snapshot.
    pub(crate) fn commit(&self) -> Commit {
        self.commit
    }

    /// The next part, or `None` after the last. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<ExportPart>> {
        if !self.unsent_groups.is_empty() {
            return self.defined().await.map(Some);
        }
        let found = self.pages.next().await?;
        Ok(found.map(|found| ExportPart::Page(Box::new(self.page(found)))))
    }

    async fn defined(&mut self) -> Result<ExportPart> {
        let ids = self
            .unsent_groups
            .iter()
            .take(GROUPS_PER_PART)
            .map(|group| group.group_id);
        let ids: Vec<i32> = ids.collect();
        let mut descriptions = lookup::group_descriptions(&self.domain, &self.call, &ids).await?;
        let defined = |group: Group| GroupDefinition {
            description: descriptions.remove(&group.group_id).unwrap_or_default(),
            contacts: group.members.len(),
            companies: group.members.intersection_len(&self.companies),
            code: group.code,
        };
        let groups = self.unsent_groups.drain(..ids.len());
        Ok(ExportPart::MailingGroups(groups.map(defined).collect()))
    }

    fn page(&mut self, found: ContactPage) -> ExportPage {
        let assignments = Assignments::new(&self.groups, &found.own);
        let contacts = found.companies.into_iter().chain(found.own);
        ExportPage {
            contacts: contacts.filter(|it| self.is_new(it)).collect(),
            assignments,
            sent: found.sent,
            deleted: found.deleted,
        }
    }

    /// Whether a contact was not sent before. A company sent with a person may come up again in its own
    /// place.
    fn is_new(&mut self, contact: &Contact) -> bool {
        let number = contact.contact_number.cast_unsigned();
        match contact.kind {
            ContactKind::Company => self.sent_companies.insert(number),
            ContactKind::Person => !self.sent_companies.contains(number),
        }
    }
}
