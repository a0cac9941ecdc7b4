//! Reads a snapshot of a tenant page by page.

use std::{collections::VecDeque, sync::Arc};

use super::{SnapshotPart, WatchFilter};
use crate::{
    domain::{
        Call, Domain, Error, Result, lookup,
        selection::{self, ContactView, Group, Member, PrefetchedMembers},
    },
    model::{ChangeTopic, Code, Commit, ContactSet, PageSize},
};

/// Groups in a part.
const GROUPS_PER_PART: usize = 1_000;

/// Contacts in a part, with their details.
const CONTACTS_PER_PART: i32 = 1_000;

/// Members in a part.
const MEMBERS_PER_PART: i32 = 10_000;

/// The unsent rest of a snapshot: sets in memory, whose details are read page by page.
pub(super) struct SnapshotReader {
    domain: Domain,
    call: Call,
    commit: Commit,
    unsent_groups: VecDeque<(Code, i32)>,
    contacts: Option<PrefetchedMembers>,
    groups: VecDeque<Group>,
    members: Option<(Code, PrefetchedMembers)>,
}

impl SnapshotReader {
    /// Takes a snapshot at the current revision.
    pub(super) async fn take(domain: &Domain, call: &Call, filter: &WatchFilter) -> Result<Self> {
        let wanted = |code: &Code| filter.wants_code(code);
        let members = filter.wants(ChangeTopic::Memberships);
        let snapshot = selection::snapshot(domain, call, wanted, members).await?;
        let unsent_groups = match filter.wants(ChangeTopic::MailingGroups) {
            true => snapshot
                .groups
                .iter()
                .map(|g| (g.code.clone(), g.group_id))
                .collect(),
            false => VecDeque::new(),
        };
        let mut reader = Self {
            domain: domain.clone(),
            call: call.clone(),
            commit: snapshot.commit,
            unsent_groups,
            contacts: None,
            groups: match members {
                true => snapshot.groups.into(),
                false => VecDeque::new(),
            },
            members: None,
        };
        if filter.wants(ChangeTopic::Contacts) {
            reader.contacts =
                Some(reader.pages(snapshot.everyone, ContactView::Full, CONTACTS_PER_PART)?);
        }
        Ok(reader)
    }

    /// The commit of the snapshot.
    pub(super) fn commit(&self) -> Commit {
        self.commit
    }

    /// The next part, or `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<SnapshotPart>> {
        if !self.unsent_groups.is_empty() {
            return self.unsent_groups().await.map(Some);
        }
        if let Some(pages) = &mut self.contacts {
            if let Some(page) = pages.next().await? {
                let contact = |member| match member {
                    Member::Contact(contact) => Some(*contact),
                    Member::Id(_) => None,
                };
                let contacts = page.members.into_iter().filter_map(contact).collect();
                return Ok(Some(SnapshotPart::Contacts(contacts)));
            }
            self.contacts = None;
        }
        self.members().await
    }

    async fn unsent_groups(&mut self) -> Result<SnapshotPart> {
        let page: Vec<_> = self
            .unsent_groups
            .drain(..GROUPS_PER_PART.min(self.unsent_groups.len()))
            .collect();
        let ids: Vec<i32> = page.iter().map(|(_, id)| *id).collect();
        let mut known = lookup::group_descriptions(&self.domain, &self.call, &ids).await?;
        let groups = page
            .into_iter()
            .map(|(code, id)| (code, known.remove(&id).unwrap_or_default()));
        Ok(SnapshotPart::MailingGroups(groups.collect()))
    }

    async fn members(&mut self) -> Result<Option<SnapshotPart>> {
        loop {
            if let Some((code, pages)) = &mut self.members
                && let Some(page) = pages.next().await?
            {
                let id = |member| match member {
                    Member::Id(id) => id,
                    Member::Contact(contact) => contact.id.into(),
                };
                let ids = page.members.into_iter().map(id).collect();
                return Ok(Some(SnapshotPart::Members(code.clone(), ids)));
            }
            let Some(group) = self.groups.pop_front() else {
                return Ok(None);
            };
            let pages = self.pages(group.members, ContactView::Ids, MEMBERS_PER_PART)?;
            self.members = Some((group.code, pages));
        }
    }

    fn pages(
        &self,
        set: Arc<ContactSet>,
        view: ContactView,
        size: i32,
    ) -> Result<PrefetchedMembers> {
        let size =
            PageSize::new(size, size, size).map_err(|error| Error::Internal(error.into()))?;
        Ok(PrefetchedMembers::new(
            &self.domain,
            &self.call,
            set,
            view,
            size,
            0,
            self.commit,
        ))
    }
}
