//! A former name that another group or contact gets while a call looks for it. The answer is of the time
//! before or of the time after, not of both: it never says that nothing has the name.

use mailing_groups::pb;
use tonic::Status;

use crate::support::{Server, Sql, Tenant, company, info, within};

#[derive(Debug, Clone, Copy)]
enum Call {
    Assign,
    Unassign,
    GetGroup,
    BatchGetGroups,
    ListGroupMembers,
    AssignContact,
    GetContact,
    BatchGetContacts,
    ListContactGroups,
}

use Call::*;

/// Whether it found `name`, or what it was refused with.
async fn ask(tenant: &mut Tenant, call: Call, name: &str) -> Result<bool, Status> {
    let (id, name) = ("P", name.to_owned());
    match call {
        Assign => tenant.try_assign(id, &name).await.map(|_| true),
        Unassign => tenant.unassign(id, &name).await.map(|_| true),
        GetGroup => tenant.get_group(&name).await.map(|_| true),
        BatchGetGroups => {
            let codes = vec!["G".to_owned(), name];
            let request = pb::BatchGetMailingGroupsRequest { codes };
            let found = tenant.groups.batch_get_mailing_groups(request).await?;
            let found = found.into_inner();
            Ok(found.mailing_groups.len() == 2 || found.current_codes.len() == 1)
        }
        ListGroupMembers => {
            let request = pb::ListMailingGroupContactsRequest {
                code: name,
                ..Default::default()
            };
            tenant.member_page(&request).await.map(|_| true)
        }
        AssignContact => tenant.try_assign(&name, "G").await.map(|_| true),
        GetContact => tenant.get_contact(&name).await.map(|_| true),
        BatchGetContacts => {
            let ids = vec!["P".to_owned(), name];
            let request = pb::BatchGetContactsRequest { ids };
            let found = tenant.contacts.batch_get_contacts(request).await?;
            let found = found.into_inner();
            Ok(found.contacts.len() == 2 || found.current_ids.len() == 1)
        }
        ListContactGroups => {
            let request = pb::ListContactMailingGroupsRequest {
                contact_id: name,
                ..Default::default()
            };
            let listed = tenant.groups.list_contact_mailing_groups(request).await;
            listed.map(|_| true)
        }
    }
}

const REUSE_CODE: &str = "
    WITH former AS (DELETE FROM former_codes RETURNING *)
    INSERT INTO mailing_groups
        (tenant_id, group_id, code, description, revision, create_time, update_time)
        SELECT tenant_id, 1000 + group_id, code, '', 1, now(), now() FROM former;
    COMMIT";

const REUSE_ID: &str = "
    INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, revision,
            create_time, update_time)
        SELECT tenant_id, 1000 + contact_number, id, 1, 'x', 'x', 1, now(), now()
        FROM merged_contacts WHERE id IS NOT NULL;
    UPDATE merged_contacts SET id = NULL;
    COMMIT";

#[tokio::test]
async fn an_answer_is_of_one_moment() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("G").await;
    tenant.create(company("P")).await;
    let sql = Sql::connect(&server.database_url).await;
    let holder = Sql::connect(&server.database_url).await;
    let calls = [Assign, Unassign, GetGroup, BatchGetGroups, ListGroupMembers]
        .map(|call| (call, "former_codes", REUSE_CODE));
    let contact_calls = [
        AssignContact,
        GetContact,
        BatchGetContacts,
        ListContactGroups,
    ]
    .map(|call| (call, "merged_contacts", REUSE_ID));
    for (n, (call, table, reuse)) in calls.into_iter().chain(contact_calls).enumerate() {
        let name = format!("OLD{n}");
        tenant.group(&name).await;
        tenant.rename(&name, &format!("NEW{n}"), "").await.unwrap();
        tenant.create(company(&name)).await;
        tenant.merge("P", &name).await.unwrap();
        holder.run(&format!("BEGIN; LOCK TABLE {table}")).await;
        let (mut caller, asked) = (tenant.clone(), name.clone());
        let answer = tokio::spawn(async move { ask(&mut caller, call, &asked).await });
        sql.until_waiting(1).await;
        holder.run(reuse).await;
        match within(answer).await.unwrap() {
            Ok(found) => assert!(found, "{call:?} found nothing"),
            Err(status) => {
                let reason = info(&status).reason;
                let known = ["MAILING_GROUP_RENAMED", "CONTACT_MERGED"];
                assert!(known.contains(&reason.as_str()), "{call:?}: {status:?}");
            }
        }
    }
}
