//! Finds the contacts and groups that operations name, or the errors that say they do not exist.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
    hash::Hash,
    result::Result as StdResult,
};

use super::{Call, Domain, Error, Resource, Result};
use crate::{
    model::{
        Assignment, AssignmentOutcome, Code, Contact, ContactId, FormerName, MailingGroup, TenantId,
    },
    store::{self, Connection, Transaction},
};

/// What keys name, all at one revision.
pub(super) struct Named<K, T> {
    found: HashMap<K, T>,
    /// The present names of the keys that are former names.
    current: HashMap<K, K>,
}

impl<K: Clone + Eq + Hash + Display, T: Clone> Named<K, T> {
    /// From what each name stands for.
    fn of(named: impl IntoIterator<Item = (K, T)>, key_of: fn(&T) -> &K) -> Self {
        let (mut found, mut current) = (HashMap::new(), HashMap::new());
        for (name, resource) in named {
            if *key_of(&resource) == name {
                found.insert(name, resource);
            } else {
                current.insert(name, key_of(&resource).clone());
            }
        }
        Self { found, current }
    }

    /// The resource that has this key; if there is none, the present name of a former one.
    pub(super) fn get(&self, key: &K) -> StdResult<T, Option<String>> {
        let found = self.found.get(key).cloned();
        found.ok_or_else(|| self.current.get(key).map(ToString::to_string))
    }

    /// The resources in the order of the keys.
    pub(super) fn in_order(self, keys: Vec<K>) -> Found<T, K> {
        let found = keys.iter().filter_map(|key| self.found.get(key).cloned());
        let found = found.collect();
        let is_missing = |key: &K| !self.found.contains_key(key);
        Found {
            found,
            missing: keys.into_iter().filter(is_missing).collect(),
            current: self.current,
        }
    }
}

/// The contacts that these ids name. Most often all exist; else one statement reads all of them with
/// the former ids, so that no write comes between.
pub(super) async fn contacts(
    conn: &mut Connection,
    tenant_id: TenantId,
    ids: &[ContactId],
) -> Result<Named<ContactId, Contact>> {
    let ids: Vec<&ContactId> = distinct(ids);
    let found = store::contacts::find_all(conn, tenant_id, &ids).await?;
    let named = match found.len() == ids.len() {
        true => found.into_iter().map(|it| (it.id.clone(), it)).collect(),
        false => store::contacts::named(conn, tenant_id, &ids).await?,
    };
    Ok(Named::of(named, |contact| &contact.id))
}

/// The groups that these codes name, as [`contacts`].
pub(super) async fn groups(
    conn: &mut Connection,
    tenant_id: TenantId,
    codes: &[Code],
) -> Result<Named<Code, MailingGroup>> {
    let codes: Vec<&Code> = distinct(codes);
    let found = store::mailing_groups::find_all(conn, tenant_id, &codes).await?;
    let named = match found.len() == codes.len() {
        true => found.into_iter().map(|it| (it.code.clone(), it)).collect(),
        false => store::mailing_groups::named(conn, tenant_id, &codes).await?,
    };
    Ok(Named::of(named, |group| &group.code))
}

fn distinct<K: Eq + Hash>(keys: &[K]) -> Vec<&K> {
    let distinct: HashSet<&K> = keys.iter().collect();
    distinct.into_iter().collect()
}

/// The contact with this id.
pub(super) async fn contact(
    conn: &mut Connection,
    tenant_id: TenantId,
    id: &ContactId,
) -> Result<Contact> {
    let named = contacts(conn, tenant_id, std::slice::from_ref(id)).await?;
    named.get(id).map_err(|now| Error::no_contact(id, now))
}

/// The ids of merged contacts among these, and those of the contacts that replace them.
pub(super) async fn merged(
    conn: &mut Connection,
    tenant_id: TenantId,
    ids: impl IntoIterator<Item = &ContactId>,
) -> Result<HashMap<ContactId, ContactId>> {
    let ids: Vec<&ContactId> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let merged = store::contacts::merged_into(conn, tenant_id, &ids).await?;
    Ok(merged.into_iter().collect())
}

/// Fills in the names of merged contacts, where a repeated request has none: they are not kept.
pub(super) async fn name_merged(
    domain: &Domain,
    call: &Call,
    unnamed: Vec<(&ContactId, &mut Option<FormerName>)>,
) -> Result<()> {
    if unnamed.is_empty() {
        return Ok(());
    }
    let ids: Vec<&ContactId> = unnamed.iter().map(|(id, _)| *id).collect();
    let read = async |conn: &mut _, tenant_id| merged(conn, tenant_id, ids).await;
    let merged = domain.read_of(call, read).await?;
    for (id, name) in unnamed {
        *name = merged.get(id).map(|current| FormerName {
            former: id.to_string(),
            current: current.to_string(),
        });
    }
    Ok(())
}

/// The resources of many keys.
pub(crate) struct Found<T, K> {
    /// Those that exist, in the order of the keys and as often.
    pub(crate) found: Vec<T>,
    /// The keys of those that do not.
    pub(crate) missing: Vec<K>,
    /// The present names of those missing keys that are former names.
    pub(crate) current: HashMap<K, K>,
}

/// The contact with this id, if its etag is current.
pub(super) async fn current_contact(
    tx: &mut Transaction,
    id: &ContactId,
    etag: Option<&str>,
) -> Result<Contact> {
    let tenant_id = tx.tenant_id();
    let contact = contact(tx, tenant_id, id).await?;
    check_contact_etag(&contact, etag)?;
    Ok(contact)
}

/// The contact with this number, which had this id.
pub(super) async fn numbered_contact(
    tx: &mut Transaction,
    contact_number: i32,
    id: &ContactId,
) -> Result<Contact> {
    let tenant_id = tx.tenant_id();
    let contact = store::contacts::find_by_number(tx, tenant_id, contact_number).await?;
    contact.ok_or_else(|| Error::no_contact(id, None))
}

/// Refuses an etag that is not the contact's.
pub(super) fn check_contact_etag(contact: &Contact, etag: Option<&str>) -> Result<()> {
    match etag {
        Some(etag) if etag != contact.etag() => Err(Error::stale(Resource::Contact, &contact.id)),
        _ => Ok(()),
    }
}

/// The codes of a contact's groups, by code.
pub(super) async fn codes_of(tx: &mut Transaction, contact: &Contact) -> Result<Vec<Code>> {
    let tenant_id = tx.tenant_id();
    let groups = store::memberships::groups_of(tx, tenant_id, contact.contact_number).await?;
    Ok(groups.into_iter().map(|(_, code)| code).collect())
}

/// The group with this code.
pub(super) async fn group(
    conn: &mut Connection,
    tenant_id: TenantId,
    code: &Code,
) -> Result<MailingGroup> {
    let named = groups(conn, tenant_id, std::slice::from_ref(code)).await?;
    named.get(code).map_err(|now| Error::no_group(code, now))
}

/// The group with this code, if its etag is current.
pub(super) async fn current_group(
    tx: &mut Transaction,
    code: &Code,
    etag: Option<&str>,
) -> Result<MailingGroup> {
    let tenant_id = tx.tenant_id();
    let group = group(tx, tenant_id, code).await?;
    if etag.is_some_and(|etag| etag != group.etag()) {
        return Err(Error::stale(Resource::MailingGroup, code));
    }
    Ok(group)
}

/// Refuses a code that another group than `own` had before.
pub(super) async fn refuse_former_code(
    tx: &mut Transaction,
    code: &Code,
    own: Option<&Code>,
) -> Result<()> {
    let tenant_id = tx.tenant_id();
    match renamed(tx, tenant_id, [code]).await?.remove(code) {
        Some(current) if own != Some(&current) => Err(Error::FormerName {
            resource: Resource::MailingGroup,
            name: code.to_string(),
            current: current.to_string(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// The former codes among these, and the present codes of their groups.
pub(super) async fn renamed(
    conn: &mut Connection,
    tenant_id: TenantId,
    codes: impl IntoIterator<Item = &Code>,
) -> Result<HashMap<Code, Code>> {
    let codes: Vec<&Code> = codes.into_iter().collect();
    if codes.is_empty() {
        return Ok(HashMap::new());
    }
    let renamed = store::mailing_groups::renamed_to(conn, tenant_id, &codes).await?;
    Ok(renamed.into_iter().collect())
}

/// The outcome of an assignment whose contact, or else whose group, does not exist. `current` is its
/// present name, if it was named by a former one.
pub(super) fn unknown(
    item: &Assignment,
    contact_exists: bool,
    current: Option<String>,
) -> AssignmentOutcome {
    let name = |former: &dyn Display| {
        let former = former.to_string();
        current.map(|current| FormerName { former, current })
    };
    match contact_exists {
        false => match name(&item.contact_id) {
            None => AssignmentOutcome::UnknownContact,
            name => AssignmentOutcome::ContactMerged(name),
        },
        true => match name(&item.code) {
            None => AssignmentOutcome::UnknownGroup,
            Some(name) => AssignmentOutcome::GroupRenamed(name),
        },
    }
}

/// Returns the present descriptions of the groups that still exist, by group number.
pub(super) async fn group_descriptions(
    domain: &Domain,
    call: &Call,
    group_ids: &[i32],
) -> Result<HashMap<i32, String>> {
    let read = async |conn: &mut _, tenant_id| {
        Ok(store::mailing_groups::descriptions(conn, tenant_id, group_ids).await?)
    };
    let known = domain.read_via_replica_of(call, read).await?;
    let text = |(group_id, description)| (group_id, String::from(description));
    Ok(known.into_iter().map(text).collect())
}
