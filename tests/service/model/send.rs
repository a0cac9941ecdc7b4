//! Random calls as requests, and the facts in the answers.

use mailing_groups::pb;
use tonic::Status;

use super::{
    calls::{Call, NewContact},
    state::Facts,
};
use crate::support::{Tenant, mask, new_group, pairs};

/// Makes a call; the request has the fields that differ from their defaults. The answer.
macro_rules! ask {
    ($client:expr, $rpc:ident, $request:ident { $($field:ident $(: $value:expr)?),* }) => {
        $client.$rpc(pb::$request { $($field $(: $value)?,)* ..Default::default() }).await?.into_inner()
    };
}

pub(super) use ask;

impl Call {
    /// Makes the call. The revision and the facts of the answer.
    pub(super) async fn send(self, tenant: &mut Tenant) -> Result<(i64, Facts), Status> {
        let facts = |revision: i64, facts: &[i64]| Ok((revision, facts.to_vec()));
        match self {
            Self::CreateGroup { code, reuse } => {
                let group = Some(new_group(&code, ""));
                let done = ask!(
                    tenant.groups,
                    create_mailing_group,
                    CreateMailingGroupRequest {
                        mailing_group: group,
                        reuse_former: reuse
                    }
                );
                facts(done.revision, &[])
            }
            Self::UpdateGroup { code, text } => {
                let group = new_group(&code, &text);
                facts(tenant.update_group(group, None).await?.revision, &[])
            }
            Self::RenameGroup { code, new, reuse } => {
                let done = ask!(
                    tenant.groups,
                    rename_mailing_group,
                    RenameMailingGroupRequest {
                        code,
                        new_code: new,
                        reuse_former: reuse
                    }
                );
                facts(done.revision, &[])
            }
            Self::DeleteGroup { code, force } => {
                let done = tenant.delete_group(&code, "", force).await?;
                facts(done.revision, &[done.unassigned_count])
            }
            Self::Assign { id, code, on: true } => {
                let done = tenant.try_assign(&id, &code).await?;
                facts(done.revision, &[i64::from(done.was_assigned)])
            }
            Self::Assign {
                id,
                code,
                on: false,
            } => {
                let done = tenant.unassign(&id, &code).await?;
                facts(done.revision, &[i64::from(done.was_assigned)])
            }
            Self::AssignAll { pairs: all, on } => {
                let items = all.iter().map(|(id, code)| (id.as_str(), code.as_str()));
                let items = pairs(&items.collect::<Vec<_>>());
                let (results, revision) = if on {
                    let done = tenant.batch_assign(items, "").await?;
                    (done.results, done.revision)
                } else {
                    let done = tenant.batch_unassign(items, "").await?;
                    (done.results, done.revision)
                };
                let outcomes = results.iter().map(|it| i64::from(it.outcome));
                facts(revision, &outcomes.collect::<Vec<_>>())
            }
            Self::Replace { id, codes } => {
                let codes: Vec<_> = codes.iter().map(String::as_str).collect();
                facts(tenant.replace(&id, &codes, "").await?.revision, &[])
            }
            Self::CreateContact { .. }
            | Self::CreateContacts(_)
            | Self::UpdateContact { .. }
            | Self::DeleteContact { .. }
            | Self::Merge { .. } => self.send_contact(tenant).await,
            _ => self.send_segment(tenant).await,
        }
    }

    async fn send_contact(self, tenant: &mut Tenant) -> Result<(i64, Facts), Status> {
        let facts = |revision: i64, facts: &[i64]| Ok((revision, facts.to_vec()));
        match self {
            Self::CreateContact { new, reuse } => {
                let done = ask!(
                    tenant.contacts,
                    create_contact,
                    CreateContactRequest {
                        contact: Some(new.message()),
                        reuse_former: reuse
                    }
                );
                facts(done.revision, &[])
            }
            Self::CreateContacts(all) => {
                let contacts = all.iter().map(NewContact::message).collect();
                let done = ask!(
                    tenant.contacts,
                    batch_create_contacts,
                    BatchCreateContactsRequest { contacts }
                );
                let outcomes = done.results.iter().map(|it| i64::from(it.outcome));
                facts(done.revision, &outcomes.collect::<Vec<_>>())
            }
            Self::UpdateContact { new, allow_missing } => {
                let attributes = new.one_key.map(|key| format!("attributes.{key}"));
                let fields = [
                    "name",
                    "company_id",
                    "exclude_from_segments",
                    "privacy_blocked",
                    attributes.as_deref().unwrap_or("attributes"),
                ];
                let done = ask!(
                    tenant.contacts,
                    update_contact,
                    UpdateContactRequest {
                        contact: Some(new.message()),
                        update_mask: mask(&fields),
                        allow_missing
                    }
                );
                facts(done.revision, &[])
            }
            Self::DeleteContact { id, force } => {
                let done = tenant.delete_contact(&id, "", force).await?;
                facts(
                    done.revision,
                    &[done.unassigned_count, done.detached_person_count],
                )
            }
            Self::Merge { kept, merged } => {
                let done = tenant.merge(&kept, &merged).await?;
                let moved = done.moved_codes.len() as i64;
                facts(done.revision, &[moved, done.moved_person_count])
            }
            other => panic!("{other:?}"),
        }
    }
}
