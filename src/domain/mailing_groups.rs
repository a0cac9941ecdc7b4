//! Operations on mailing groups.

mod delete;

pub(crate) use self::delete::delete;
use super::{
    Call, Committed, Domain, Error, IdempotencyKey, Resource, Result,
    jobs::{GetGroups, ListContactGroups},
    lookup::{self, Found},
};
use crate::{
    model::{
        Change, Code, ContactId, Description, GroupOrder, GroupPosition, MailingGroup,
        NewMailingGroup, PageSize,
    },
    store::{self, mailing_groups::ContactGroupsPage},
};

/// Defines a group. The code must not be one that another group had, unless `reuse_former` is set.
pub(crate) async fn create(
    domain: &Domain,
    call: &Call,
    new: NewMailingGroup,
    reuse_former: bool,
    key: Option<IdempotencyKey>,
) -> Result<Committed<MailingGroup>> {
    domain
        .write_once(call, key, async |tx| {
            if !reuse_former {
                lookup::refuse_former_code(tx, &new.code, None).await?;
            }
            let group_id = tx
                .take_group_id()
                .map_err(Error::no_number(Resource::MailingGroup))?;
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
    let operation = || GetGroups(domain.database.clone());
    let batcher = &domain.jobs.get_group;
    batcher.run(&call.tenant, code.clone(), operation).await
}

/// Reads groups, and says which codes no group has, or which it has now.
pub(crate) async fn get_all(
    domain: &Domain,
    call: &Call,
    codes: Vec<Code>,
) -> Result<Found<MailingGroup, Code>> {
    let read = async |conn: &mut _, tenant_id| lookup::groups(conn, tenant_id, &codes).await;
    let named = domain.read_page_of(call, read).await?;
    Ok(named.in_order(codes))
}

/// Lists groups in an order, after `after`, whose folded codes start with `prefix`.
pub(crate) async fn list(
    domain: &Domain,
    call: &Call,
    prefix: &str,
    order: GroupOrder,
    after: Option<&GroupPosition>,
    size: PageSize,
) -> Result<Vec<MailingGroup>> {
    domain
        .read_page_of(call, async |conn, tenant_id| {
            Ok(store::mailing_groups::page(conn, tenant_id, prefix, order, after, size).await?)
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
    let operation = || ListContactGroups(domain.database.clone());
    let batcher = &domain.jobs.list_groups;
    batcher.run(&call.tenant, page, operation).await
}

/// Changes the description of a group.
pub(crate) async fn update(
    domain: &Domain,
    call: &Call,
    code: &Code,
    description: Option<Description>,
    etag: Option<&str>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<MailingGroup>> {
    domain
        .write_once(call, key, async |tx| {
            let group = lookup::current_group(tx, code, etag).await?;
            let Some(description) = description.filter(|new| *new != group.description) else {
                return Ok(group);
            };
            tx.log(Change::GroupUpdated(group.group_id, group.code));
            Ok(store::mailing_groups::update(tx, group.group_id, &description).await?)
        })
        .await
}

/// Changes the code of a group. The new one must not be one that another group had, unless
/// `reuse_former` is set.
pub(crate) async fn rename(
    domain: &Domain,
    call: &Call,
    code: &Code,
    new_code: &Code,
    reuse_former: bool,
    etag: Option<&str>,
    key: Option<IdempotencyKey>,
) -> Result<Committed<MailingGroup>> {
    domain
        .write_once(call, key, async |tx| {
            let group = lookup::current_group(tx, code, etag).await?;
            if code == new_code {
                return Ok(group);
            }
            if !reuse_former {
                lookup::refuse_former_code(tx, new_code, Some(&group.code)).await?;
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
