//! What was done to a segment.

use crate::{
    domain::{
        Call, Domain, Result,
        segments::{existing, merge_map::MergeMap},
        selection,
    },
    model::{ContactId, ContactSet, PageSize, SegmentAction, SegmentId, Selector},
    store,
};

/// How many of the contacts that an action named are listed.
const MAX_LISTED_CONTACTS: usize = 10;

/// Lists the actions of a segment after the one numbered `after`, each with the first of the
/// contacts that it named. Contacts that are gone are left out.
pub(crate) async fn list_actions(
    domain: &Domain,
    call: &Call,
    id: &SegmentId,
    after: i32,
    size: PageSize,
) -> Result<Vec<(SegmentAction, Vec<ContactId>)>> {
    let actions = domain
        .read_of(call, async |conn, tenant_id| {
            let number = existing(conn, tenant_id, id).await?.segment_number;
            Ok(store::segments::actions::page(conn, tenant_id, number, after, size).await?)
        })
        .await?;
    let mut listed = Vec::with_capacity(actions.len());
    for mut action in actions {
        let ids = match &mut action.criterion.selector {
            Selector::Expression(_) => Vec::new(),
            Selector::Contacts(set) => {
                let (present, ids) = present(domain, call, set).await?;
                *set = present;
                ids
            }
        };
        listed.push((action, ids));
    }
    Ok(listed)
}

/// Those of a stored set who still exist, and the ids of the first of them.
async fn present(
    domain: &Domain,
    call: &Call,
    stored: &ContactSet,
) -> Result<(ContactSet, Vec<ContactId>)> {
    let population = selection::population(domain, call).await?;
    domain
        .read_of(call, async |conn, tenant_id| {
            let merges = MergeMap::read(conn, tenant_id, &population, &[stored]).await?;
            let present = merges.resolve(stored);
            let first = present.iter().take(MAX_LISTED_CONTACTS);
            let first: Vec<i32> = first.map(u32::cast_signed).collect();
            let ids = store::contacts::ids(conn, tenant_id, &first).await?;
            Ok((present, ids.into_iter().map(|(_, id)| id).collect()))
        })
        .await
}
