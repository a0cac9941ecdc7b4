//! Finds the contacts and groups that operations name, or the errors that say they do not exist.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use super::{Call, Domain, Error, Resource, Result};
use crate::{
    model::{
        Assignment, AssignmentOutcome, Code, Contact, ContactId, FormerName, MailingGroup, TenantId,
    },
    store::{self, Connection, Transaction, memberships::CheckedPair},
};

/// The contact with this id.
pub(super) async fn contact(
    conn: &mut Connection,
    tenant_id: TenantId,
    id: &ContactId,
) -> Result<Contact> {
    match store::contacts::find(conn, tenant_id, id).await? {
        Some(contact) => Ok(contact),
        None => {
            let merged = merged(conn, tenant_id, [id]).await?;
            Err(Error::no_contact(id, merged.get(id)))
        }
    }
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

/// Puts resources, read once each and in no order, into the order of the requested keys. `current`
/// finds the present names of those that are former names.
pub(super) async fn in_order<T: Clone, K: Clone + Eq + Hash>(
    keys: &[K],
    read: Vec<T>,
    key_of: fn(&T) -> &K,
    current: impl AsyncFnOnce(&[K]) -> Result<HashMap<K, K>>,
) -> Result<Found<T, K>> {
    let by_key: HashMap<&K, &T> = read.iter().map(|it| (key_of(it), it)).collect();
    let found = keys.iter().filter_map(|key| by_key.get(key));
    let found = found.map(|it| (*it).clone()).collect();
    let missing = keys.iter().filter(|key| !by_key.contains_key(key));
    let missing: Vec<K> = missing.cloned().collect();
    let current = current(&missing).await?;
    Ok(Found {
        found,
        missing,
        current,
    })
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
    match store::mailing_groups::find(conn, tenant_id, code).await? {
        Some(group) => Ok(group),
        None => Err(unknown_group(conn, tenant_id, code).await),
    }
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

/// The error for a code that no group has.
pub(super) async fn unknown_group(
    conn: &mut Connection,
    tenant_id: TenantId,
    code: &Code,
) -> Error {
    match renamed(conn, tenant_id, [code]).await {
        Ok(renamed) => Error::no_group(code, renamed.get(code)),
        Err(error) => error,
    }
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

/// The names that were given up, among those of pairs of which one part is unknown.
#[derive(Default)]
pub(super) struct FormerNames {
    /// The ids of merged contacts, and those of the contacts that replace them.
    pub(super) ids: HashMap<ContactId, ContactId>,
    /// The former codes of groups, and the present ones.
    pub(super) codes: HashMap<Code, Code>,
}

impl FormerNames {
    pub(super) async fn read<'a>(
        conn: &mut Connection,
        tenant_id: TenantId,
        pairs: impl Iterator<Item = (CheckedPair, &'a Assignment)>,
    ) -> Result<Self> {
        let (mut ids, mut codes) = (HashSet::new(), HashSet::new());
        for (pair, item) in pairs {
            if !pair.contact_exists {
                ids.insert(&item.contact_id);
            } else if !pair.group_exists {
                codes.insert(&item.code);
            }
        }
        Ok(Self {
            ids: merged(conn, tenant_id, ids).await?,
            codes: renamed(conn, tenant_id, codes).await?,
        })
    }

    /// The outcome of an assignment of which a part is unknown.
    pub(super) fn unknown(&self, pair: CheckedPair, item: &Assignment) -> AssignmentOutcome {
        let Assignment { contact_id, code } = item;
        if pair.contact_exists {
            return match self.codes.get(code) {
                None => AssignmentOutcome::UnknownGroup,
                Some(current) => AssignmentOutcome::GroupRenamed(FormerName {
                    former: code.to_string(),
                    current: current.to_string(),
                }),
            };
        }
        match self.ids.get(contact_id) {
            None => AssignmentOutcome::UnknownContact,
            Some(current) => AssignmentOutcome::ContactMerged(Some(FormerName {
                former: contact_id.to_string(),
                current: current.to_string(),
            })),
        }
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
    let known = domain.read_of(call, read).await?;
    let text = |(group_id, description)| (group_id, String::from(description));
    Ok(known.into_iter().map(text).collect())
}
