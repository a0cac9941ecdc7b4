//! Why items were rejected: what is kept of it, so that a continued import reports it again.

use std::collections::HashMap;

use crate::{
    domain::{Error, Result, lookup},
    model::{Code, FormerName, RequestId, TenantId},
    store::{
        self, Connection, Transaction,
        imports::{StoredName, StoredRejection},
    },
};

/// Why an item was rejected. Names nothing of its content but a former name.
#[derive(Debug, Clone)]
pub(crate) struct ItemRejection {
    /// The field of a contact, or the outcome of an assignment.
    pub(crate) subject: String,
    /// What would be right.
    pub(crate) reason: String,
    /// The former name that the item uses.
    pub(crate) former_name: Option<RejectedName>,
}

/// The former name of a contact or group, and the present one.
#[derive(Debug, Clone)]
pub(crate) enum RejectedName {
    /// The id of a merged contact. It is not stored: it would outlive the contact.
    Contact(FormerName),
    /// The former code of a group.
    MailingGroup(FormerName),
}

impl RejectedName {
    pub(crate) fn into_name(self) -> FormerName {
        match self {
            Self::Contact(name) | Self::MailingGroup(name) => name,
        }
    }
}

/// A rejection with the index of its item in the import.
pub(crate) type IndexedRejection = (i64, ItemRejection);

/// Keeps rejections of an import.
pub(super) async fn keep(
    tx: &mut Transaction,
    id: &RequestId,
    rejected: &[IndexedRejection],
) -> Result<()> {
    if rejected.is_empty() {
        return Ok(());
    }
    let merged = rejected.iter().filter_map(|(_, it)| match &it.former_name {
        Some(RejectedName::Contact(name)) => Some(name.former.as_str()),
        Some(RejectedName::MailingGroup(_)) | None => None,
    });
    let merged: Vec<&str> = merged.collect();
    let tenant_id = tx.tenant_id();
    let numbers: HashMap<String, i32> = match merged.is_empty() {
        true => HashMap::new(),
        false => {
            let numbers = store::contacts::merged_numbers(tx, tenant_id, &merged).await?;
            numbers.into_iter().collect()
        }
    };
    let stored = rejected.iter().map(|(index, rejection)| {
        let stored = serde_json::to_value(to_stored(rejection, &numbers));
        Ok((*index, stored.map_err(|e| Error::Internal(e.into()))?))
    });
    store::imports::insert_rejections(tx, id, stored.collect::<Result<_>>()?).await?;
    Ok(())
}

fn to_stored(rejection: &ItemRejection, numbers: &HashMap<String, i32>) -> StoredRejection {
    let former_name = match &rejection.former_name {
        Some(RejectedName::Contact(name)) => {
            let number = numbers.get(&name.former);
            number.copied().map(StoredName::ContactNumber)
        }
        Some(RejectedName::MailingGroup(name)) => name.former.parse().ok().map(StoredName::Code),
        None => None,
    };
    StoredRejection::V1 {
        subject: rejection.subject.clone(),
        reason: rejection.reason.clone(),
        former_name,
    }
}

/// The next rejections of an import, from item `from` on, with the names that are present now.
pub(super) async fn read(
    conn: &mut Connection,
    tenant_id: TenantId,
    id: &RequestId,
    from: i64,
) -> Result<Vec<IndexedRejection>> {
    let stored = store::imports::rejections(conn, tenant_id, id, from).await?;
    let stored = stored.into_iter().map(|(index, rejection)| {
        let rejection: StoredRejection =
            serde_json::from_value(rejection).map_err(|e| Error::Internal(e.into()))?;
        Ok((index, rejection))
    });
    let stored: Vec<(i64, StoredRejection)> = stored.collect::<Result<_>>()?;
    let names = PresentNames::read(conn, tenant_id, &stored).await?;
    let rejected = stored.into_iter().map(|(index, stored)| {
        let StoredRejection::V1 {
            subject,
            reason,
            former_name,
        } = stored;
        let former_name = former_name.and_then(|name| names.of(name));
        let rejection = ItemRejection {
            subject,
            reason,
            former_name,
        };
        (index, rejection)
    });
    Ok(rejected.collect())
}

/// What stored names stand for.
struct PresentNames {
    /// By the number of the merged contact.
    contacts: HashMap<i32, FormerName>,
    /// By the former code.
    codes: HashMap<Code, Code>,
}

impl PresentNames {
    async fn read(
        conn: &mut Connection,
        tenant_id: TenantId,
        stored: &[(i64, StoredRejection)],
    ) -> Result<Self> {
        let (mut numbers, mut codes) = (Vec::new(), Vec::new());
        for (_, StoredRejection::V1 { former_name, .. }) in stored {
            match former_name {
                Some(StoredName::ContactNumber(number)) => numbers.push(*number),
                Some(StoredName::Code(code)) => codes.push(code),
                None => {}
            }
        }
        let merged = match numbers.is_empty() {
            true => Vec::new(),
            false => store::contacts::merged_by_number(conn, tenant_id, &numbers).await?,
        };
        Ok(Self {
            contacts: merged.into_iter().collect(),
            codes: lookup::renamed(conn, tenant_id, codes).await?,
        })
    }
    fn of(&self, stored: StoredName) -> Option<RejectedName> {
        match stored {
            StoredName::ContactNumber(number) => self
                .contacts
                .get(&number)
                .cloned()
                .map(RejectedName::Contact),
            StoredName::Code(former) => self.codes.get(&former).map(|current| {
                RejectedName::MailingGroup(FormerName {
                    former: former.to_string(),
                    current: current.to_string(),
                })
            }),
        }
    }
}
