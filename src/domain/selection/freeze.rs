//! All groups and their members, as they are at one revision.

use std::{collections::HashMap, sync::Arc};

use super::{
    ROUNDS, moving,
    reader::{Access, Reader},
};
use crate::{
    domain::{Call, Domain, Result, index::Key},
    model::{Code, ContactSet, Revision},
    store,
};

/// A group and who has it.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Its code.
    pub(crate) code: Code,
    /// Its number.
    pub(crate) group_id: i32,
    /// Its members, if they were asked for.
    pub(crate) members: Arc<ContactSet>,
}

/// Who and what there is at a revision.
#[derive(Debug, Clone)]
pub(crate) struct Frozen {
    /// The revision.
    pub(crate) revision: Revision,
    /// All contacts.
    pub(crate) everyone: Arc<ContactSet>,
    /// All companies.
    pub(crate) companies: Arc<ContactSet>,
    /// The groups, by code.
    pub(crate) groups: Vec<Group>,
}

/// Notes all contacts and the groups that are wanted, with their members if `members` is set,
/// at one revision that is not older than the call.
pub(crate) async fn freeze(
    domain: &Domain,
    call: &Call,
    wanted: impl Fn(&Code) -> bool,
    members: bool,
) -> Result<Frozen> {
    let tenant_id = domain.tenant_id(call).await?.unwrap_or(0);
    let mut reader = Reader::new(domain, tenant_id, Access::Pool);
    for _ in 0..ROUNDS {
        if let Some(frozen) = reader.freeze(&wanted, members).await? {
            return Ok(frozen);
        }
    }
    Err(moving())
}

/// The descriptions that groups have now, by the groups' numbers, as far as they still exist.
pub(in crate::domain) async fn descriptions(
    domain: &Domain,
    call: &Call,
    group_ids: &[i32],
) -> Result<HashMap<i32, String>> {
    let read = async |conn: &mut _, tenant_id| {
        Ok(store::mailing_groups::descriptions(conn, tenant_id, group_ids).await?)
    };
    let known = domain.read_of(call, read).await?;
    let text = |(group_id, description)| (group_id, String::from(description));
    Ok(known.into_iter().map(text).collect())
}

impl Reader<'_> {
    /// One attempt; `None` if leaves were missing or out of date once everything was read.
    async fn freeze(
        &mut self,
        wanted: &impl Fn(&Code) -> bool,
        members: bool,
    ) -> Result<Option<Frozen>> {
        for key in [Key::Everyone, Key::Companies, Key::Groups] {
            self.want(key).await?;
        }
        if members {
            for (_, group_id) in self.wanted(wanted) {
                self.want(Key::Members(group_id)).await?;
            }
        }
        let Some(revision) = self.catch_up().await? else {
            return Ok(None);
        };
        let wanted = self.wanted(wanted);
        let is_there = |(_, id): &(Code, i32)| self.has(&Key::Members(*id));
        if members && !wanted.iter().all(is_there) {
            return Ok(None);
        }
        let groups = wanted.into_iter().map(|(code, group_id)| Group {
            members: self.set(&Key::Members(group_id)),
            code,
            group_id,
        });
        Ok(Some(Frozen {
            revision,
            everyone: self.set(&Key::Everyone),
            companies: self.set(&Key::Companies),
            groups: groups.collect(),
        }))
    }

    fn wanted(&self, wanted: &impl Fn(&Code) -> bool) -> Vec<(Code, i32)> {
        let groups = self.groups();
        let wanted = groups.iter().filter(|(code, _)| wanted(code));
        wanted.map(|(code, id)| (code.clone(), *id)).collect()
    }
}
