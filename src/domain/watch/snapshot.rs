//! Everything there is, as it is at one revision, page by page.

use std::{collections::VecDeque, sync::Arc};

use super::{Filter, Part};
use crate::{
    domain::{
        Call, Domain, Result,
        selection::{self, Group, Member, Pages, View},
    },
    model::{ChangeTopic, Code, ContactSet, PageSize, Revision},
};

/// Groups in a part.
const GROUPS: usize = 1_000;

/// Contacts in a part, with their details.
const CONTACTS: i32 = 1_000;

/// Members in a part.
const MEMBERS: i32 = 10_000;

/// What was there at a revision and is not sent yet: sets in memory, whose details are read
/// when they are asked for.
pub(super) struct Snapshot {
    domain: Domain,
    call: Call,
    revision: Revision,
    described: VecDeque<(Code, i32)>,
    contacts: Option<Pages>,
    groups: VecDeque<Group>,
    members: Option<(Code, Pages)>,
}

impl Snapshot {
    /// Notes who and what is there at the present revision.
    pub(super) async fn take(domain: &Domain, call: &Call, filter: &Filter) -> Result<Self> {
        let wanted = |code: &Code| filter.wants_code(code);
        let members = filter.wants(ChangeTopic::Memberships);
        let frozen = selection::freeze(domain, call, wanted, members).await?;
        let described = match filter.wants(ChangeTopic::MailingGroups) {
            true => frozen
                .groups
                .iter()
                .map(|g| (g.code.clone(), g.group_id))
                .collect(),
            false => VecDeque::new(),
        };
        let mut snapshot = Self {
            domain: domain.clone(),
            call: call.clone(),
            revision: frozen.revision,
            described,
            contacts: None,
            groups: match members {
                true => frozen.groups.into(),
                false => VecDeque::new(),
            },
            members: None,
        };
        if filter.wants(ChangeTopic::Contacts) {
            snapshot.contacts = Some(snapshot.pages(frozen.everyone, View::Full, CONTACTS)?);
        }
        Ok(snapshot)
    }

    /// The revision of which everything is.
    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    /// The next part; none if everything was sent.
    pub(super) async fn next(&mut self) -> Result<Option<Part>> {
        if !self.described.is_empty() {
            return self.described().await.map(Some);
        }
        if let Some(pages) = &mut self.contacts {
            if let Some(page) = pages.next().await? {
                let contact = |member| match member {
                    Member::Contact(contact) => Some(*contact),
                    Member::Id(_) => None,
                };
                let contacts = page.members.into_iter().filter_map(contact).collect();
                return Ok(Some(Part::Contacts(contacts)));
            }
            self.contacts = None;
        }
        self.members().await
    }

    async fn described(&mut self) -> Result<Part> {
        let page: Vec<_> = self
            .described
            .drain(..GROUPS.min(self.described.len()))
            .collect();
        let ids: Vec<i32> = page.iter().map(|(_, id)| *id).collect();
        let mut known = selection::descriptions(&self.domain, &self.call, &ids).await?;
        let groups = page
            .into_iter()
            .map(|(code, id)| (code, known.remove(&id).unwrap_or_default()));
        Ok(Part::MailingGroups(groups.collect()))
    }

    async fn members(&mut self) -> Result<Option<Part>> {
        loop {
            if let Some((code, pages)) = &mut self.members
                && let Some(page) = pages.next().await?
            {
                let id = |member| match member {
                    Member::Id(id) => id,
                    Member::Contact(contact) => contact.id.into(),
                };
                let ids = page.members.into_iter().map(id).collect();
                return Ok(Some(Part::Members(code.clone(), ids)));
            }
            let Some(group) = self.groups.pop_front() else {
                return Ok(None);
            };
            let pages = self.pages(group.members, View::Ids, MEMBERS)?;
            self.members = Some((group.code, pages));
        }
    }

    fn pages(&self, set: Arc<ContactSet>, view: View, size: i32) -> Result<Pages> {
        let size = PageSize::new(size, size, size)
            .map_err(|error| crate::domain::Error::Internal(error.into()))?;
        Ok(Pages::new(
            &self.domain,
            &self.call,
            set,
            view,
            size,
            0,
            self.revision,
        ))
    }
}
