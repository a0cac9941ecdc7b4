//! Snapshots of all groups and their members at one revision.

use std::sync::Arc;

use super::{
    MAX_ATTEMPTS,
    many_sets::ManySets,
    set_reader::{Access, SetReader},
};
use crate::{
    domain::{Call, Domain, Error, Result, cache::SetKey},
    model::{Code, Commit, ContactSet},
};

/// A group and its members.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Its code.
    pub(crate) code: Code,
    /// Its number.
    pub(crate) group_id: i32,
    /// Its members; empty unless requested.
    pub(crate) members: Arc<ContactSet>,
}

/// All contacts and the requested groups at one revision.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The commit.
    pub(crate) commit: Commit,
    /// All contacts.
    pub(crate) everyone: Arc<ContactSet>,
    /// All companies.
    pub(crate) companies: Arc<ContactSet>,
    /// The groups, by code.
    pub(crate) groups: Vec<Group>,
}

/// Takes a snapshot of all contacts and of the groups whose code is `wanted`, with their members if
/// `members` is set, at a revision that is not older than the call.
pub(crate) async fn snapshot(
    domain: &Domain,
    call: &Call,
    wanted: impl Fn(&Code) -> bool,
    members: bool,
) -> Result<Snapshot> {
    let tenant_id = domain.tenant_id(call).await?.unwrap_or(0);
    let mut reader = SetReader::new(domain, tenant_id, Access::Pool(&call.tenant));
    for _ in 0..MAX_ATTEMPTS {
        if let Some(snapshot) = reader.try_snapshot(&wanted, members).await? {
            return Ok(snapshot);
        }
    }
    Err(Error::Contended)
}

impl SetReader<'_> {
    /// One attempt. Returns `None` if sets were missing or out of date after all were read.
    async fn try_snapshot(
        &mut self,
        wanted: &impl Fn(&Code) -> bool,
        members: bool,
    ) -> Result<Option<Snapshot>> {
        for key in [SetKey::Everyone, SetKey::Companies, SetKey::Groups] {
            self.load(key).await?;
        }
        if members {
            let wanted = self.matching_groups(wanted);
            let ids: Vec<i32> = wanted.into_iter().map(|(_, id)| id).collect();
            self.load_many(ManySets::Members, ids).await?;
        }
        let Some(commit) = self.catch_up().await? else {
            return Ok(None);
        };
        let wanted = self.matching_groups(wanted);
        let is_loaded = |(_, id): &(Code, i32)| self.sets.is_loaded(&SetKey::Members(*id));
        if members && !wanted.iter().all(is_loaded) {
            return Ok(None);
        }
        let groups = wanted.into_iter().map(|(code, group_id)| Group {
            members: self.sets.set(&SetKey::Members(group_id)),
            code,
            group_id,
        });
        Ok(Some(Snapshot {
            commit,
            everyone: self.sets.set(&SetKey::Everyone),
            companies: self.sets.set(&SetKey::Companies),
            groups: groups.collect(),
        }))
    }

    fn matching_groups(&self, wanted: &impl Fn(&Code) -> bool) -> Vec<(Code, i32)> {
        let groups = self.sets.groups();
        let wanted = groups.iter().filter(|(code, _)| wanted(code));
        wanted.map(|(code, id)| (code.clone(), *id)).collect()
    }
}
