//! Mailing groups.

pub(super) mod batched;

use std::collections::HashMap;

use diesel_async::AsyncPgConnection;

use self::batched::{Listing, Reading};
use super::{Call, Domain, Error, Once, Precondition, Resource, Result, Written};
use crate::{
    model::{
        Change, Code, ContactId, Description, MailingGroup, NewMailingGroup, PageSize, TenantId,
    },
    store::{self, Transaction, mailing_groups::ContactGroupsPage},
};

/// Defines a group.
pub(crate) async fn create(
    domain: &Domain,
    call: &Call,
    new: NewMailingGroup,
    once: Option<Once>,
) -> Result<Written<MailingGroup>> {
    domain
        .write_once(call, once, async |tx| {
            let group_id = tx
                .take_group_id()
                .map_err(|_| Error::Full(Resource::MailingGroup))?;
            let group = store::mailing_groups::insert(tx, group_id, &new)
                .await
                .map_err(Error::on_insert(Resource::MailingGroup, &new.code))?;
            tx.log(Change::GroupCreated(group.group_id, group.code.clone()));
            Ok(group)
        })
        .await
}

/// Reads a group.
pub(crate) async fn get(domain: &Domain, call: &Call, code: &Code) -> Result<MailingGroup> {
    let work = || Reading(domain.clone());
    let batcher = &domain.batches.get_group;
    batcher.run(&call.tenant, code.clone(), work).await
}

/// Lists groups by code, after `after`, whose codes start with `prefix`.
pub(crate) async fn list(
    domain: &Domain,
    call: &Call,
    prefix: &str,
    after: Option<&Code>,
    size: PageSize,
) -> Result<Vec<MailingGroup>> {
    domain
        .read_of(call, async |conn, tenant_id| {
            Ok(store::mailing_groups::page(conn, tenant_id, prefix, after, size).await?)
        })
        .await
}

/// Lists the groups of a contact by code, after `after`.
pub(crate) async fn list_of_contact(
    domain: &Domain,
    call: &Call,
    contact_id: &ContactId,
    after: Option<&Code>,
    size: PageSize,
) -> Result<Vec<MailingGroup>> {
    let page = ContactGroupsPage {
        contact_id: contact_id.clone(),
        after: after.cloned(),
        size,
    };
    let work = || Listing(domain.clone());
    domain
        .batches
        .list_groups
        .run(&call.tenant, page, work)
        .await
}

/// Describes a group anew.
pub(crate) async fn update(
    domain: &Domain,
    call: &Call,
    code: &Code,
    description: Option<Description>,
    etag: Option<&str>,
) -> Result<Written<MailingGroup>> {
    domain
        .write(call, async |tx| {
            let group = current(tx, code, etag).await?;
            let Some(description) = description.filter(|new| *new != group.description) else {
                return Ok(group);
            };
            tx.log(Change::GroupUpdated(group.group_id, group.code));
            Ok(store::mailing_groups::update(tx, group.group_id, &description).await?)
        })
        .await
}

/// Gives a group another code.
pub(crate) async fn rename(
    domain: &Domain,
    call: &Call,
    code: &Code,
    new_code: &Code,
    etag: Option<&str>,
) -> Result<Written<MailingGroup>> {
    domain
        .write(call, async |tx| {
            let group = current(tx, code, etag).await?;
            if code == new_code {
                return Ok(group);
            }
            let renamed = store::mailing_groups::rename(tx, &group, new_code)
                .await
                .map_err(Error::on_insert(Resource::MailingGroup, new_code))?;
            tx.log(Change::GroupRenamed(
                group.group_id,
                new_code.clone(),
                group.code,
            ));
            Ok(renamed)
        })
        .await
}

/// Deletes a group; with `force` also one that has members. Answers how many it had.
pub(crate) async fn delete(
    domain: &Domain,
    call: &Call,
    code: &Code,
    etag: Option<&str>,
    force: bool,
) -> Result<Written<usize>> {
    domain
        .write(call, async |tx| {
            let group = current(tx, code, etag).await?;
            let count = group.contact_count();
            if count > 0 && !force {
                let code = group.code;
                return Err(Error::Precondition(Precondition::GroupHasMembers {
                    code,
                    count,
                }));
            }
            let members = store::memberships::delete_group(tx, group.group_id).await?;
            let unassigned = members.len();
            if unassigned > 0 {
                tx.log(Change::MembersRemoved(
                    group.group_id,
                    group.code.clone(),
                    members,
                ));
            }
            store::mailing_groups::delete(tx, group.group_id).await?;
            tx.log(Change::GroupDeleted(group.group_id, group.code));
            Ok(unassigned)
        })
        .await
}

/// The group with this code, or the error that says what became of it.
pub(super) async fn existing(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    code: &Code,
) -> Result<MailingGroup> {
    match store::mailing_groups::find(conn, tenant_id, code).await? {
        Some(group) => Ok(group),
        None => Err(unknown(conn, tenant_id, code).await),
    }
}

/// The error for a code that no group has.
pub(super) async fn unknown(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    code: &Code,
) -> Error {
    match renamed(conn, tenant_id, [code]).await {
        Ok(mut renamed) => Error::no_group(code, renamed.remove(code)),
        Err(error) => error,
    }
}

/// Which of these codes groups had formerly, and the codes that they have now.
pub(super) async fn renamed(
    conn: &mut AsyncPgConnection,
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

/// The group with this code, if the etag is its own.
async fn current(tx: &mut Transaction, code: &Code, etag: Option<&str>) -> Result<MailingGroup> {
    let tenant_id = tx.tenant_id();
    let group = existing(tx, tenant_id, code).await?;
    if etag.is_some_and(|etag| etag != group.etag()) {
        return Err(Error::stale(Resource::MailingGroup, code));
    }
    Ok(group)
}
