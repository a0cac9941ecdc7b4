//! Long work, in steps: others write in between, and the same call goes on with it.

use mailing_groups::{pb, server::Limits};
use nix::sys::signal::Signal;
use tonic::transport::Endpoint;

use crate::support::{
    Program, Server, Sql, Tenant, assert_consistent, company, pairs, person, scratch, within,
};

/// People of the company GONE, who all have the group MOVE.
const PEOPLE: i64 = 25_000;

/// A tenant with the companies GONE and KEPT, a person OTHER, and the group MOVE.
async fn large() -> (Server, Tenant, Sql) {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "large").await;
    for contact in [company("GONE"), company("KEPT"), person("OTHER", "")] {
        tenant.create(contact).await;
    }
    tenant.group("MOVE").await;
    let people: Vec<_> = (0..PEOPLE)
        .map(|n| person(&format!("P{n:05}"), "GONE"))
        .collect();
    tenant.import_contacts(&people).await;
    let items: Vec<_> = people.iter().map(|it| (it.id.as_str(), "MOVE")).collect();
    for items in items.chunks(10_000) {
        tenant.batch_assign(pairs(items), "").await.unwrap();
    }
    let sql = Sql::connect(&server.database_url).await;
    (server, tenant, sql)
}

/// Makes the second step of everything wait.
async fn hold_second_step(server: &Server) -> Sql {
    let holder = Sql::connect(&server.database_url).await;
    let lock = "BEGIN; SELECT 1 FROM contacts WHERE id = 'P15000' FOR UPDATE";
    holder.run(lock).await;
    holder
}

fn delete_contact(id: &str, request_id: &str) -> pb::DeleteContactRequest {
    pb::DeleteContactRequest {
        id: id.into(),
        force: true,
        request_id: request_id.into(),
        ..Default::default()
    }
}

fn merge(request_id: &str) -> pb::MergeContactsRequest {
    pb::MergeContactsRequest {
        kept_id: "KEPT".into(),
        merged_id: "GONE".into(),
        request_id: request_id.into(),
        ..Default::default()
    }
}

/// The most that one entry of the log names.
async fn largest_change(sql: &Sql, after: i64) -> i64 {
    let largest = "SELECT max(cardinality(contact_numbers))::bigint FROM changes \
         WHERE revision > $1";
    sql.number(largest, &[&after]).await
}

#[tokio::test]
async fn what_a_killed_server_began_another_one_completes() {
    let (server, mut tenant, sql) = large().await;
    let before = tenant.get_contact("OTHER").await.unwrap().revision;
    let holder = hold_second_step(&server).await;
    let folder = scratch();
    let mut program = Program::spawn(folder.path(), &["--database-url", &server.database_url]);
    let address = format!("http://{}", program.address().await);
    let endpoint = Endpoint::from_shared(address).unwrap();
    let mut caller = Tenant::over(endpoint.connect().await.unwrap(), "large");
    let broken = tokio::spawn(async move {
        let delete = delete_contact("GONE", "once");
        caller.contacts.delete_contact(delete).await
    });
    sql.until_waiting(1).await;
    let mut other = tenant.clone();
    let assigned = tokio::spawn(async move { other.try_assign("OTHER", "MOVE").await });
    sql.until_waiting(2).await;
    program.signal(Signal::SIGKILL);
    within(broken).await.unwrap().unwrap_err();
    holder.run("ROLLBACK").await;
    let assigned = within(assigned).await.unwrap().unwrap();
    let detached = "SELECT count(*) FROM contacts WHERE company_id IS NULL AND kind = 2";
    assert_eq!(sql.number(detached, &[]).await, 10_000 + 1);

    let delete = delete_contact("GONE", "once");
    let deleted = tenant.contacts.delete_contact(delete.clone()).await;
    let deleted = deleted.unwrap().into_inner();
    assert_eq!(deleted.detached_person_count, PEOPLE);
    assert!(assigned.revision < deleted.revision);
    assert_eq!(sql.number(detached, &[]).await, PEOPLE + 1);
    assert_eq!(largest_change(&sql, before).await, 10_000);
    let again = tenant.contacts.delete_contact(delete).await;
    assert_eq!(again.unwrap().into_inner(), deleted);
    assert_consistent(&server.database_url, "large").await;
}

/// Two callers of one request at once, and a write of another between the steps; each on a server of
/// its own, as a server takes the writes of a tenant one by one.
macro_rules! assert_same {
    ($server:expr, $tenants:expr, $sql:expr, $client:ident.$call:ident($request:expr)) => {{
        let holder = hold_second_step(&$server).await;
        let [one, mut other, two] = $tenants.clone();
        let call = |mut caller: Tenant| {
            let request = $request;
            tokio::spawn(async move { caller.$client.$call(request).await })
        };
        let first = call(one);
        $sql.until_waiting(1).await;
        let name = stringify!($call).replace('_', "-");
        let between = tokio::spawn(async move { other.try_create(company(&name)).await });
        $sql.until_waiting(2).await;
        let calls = [first, call(two)];
        $sql.until_waiting(3).await;
        holder.run("ROLLBACK").await;
        let mut answers = Vec::new();
        for call in calls {
            answers.push(within(call).await.unwrap().unwrap().into_inner());
        }
        assert_eq!(answers[0], answers[1]);
        within(between).await.unwrap().unwrap();
        answers.remove(0)
    }};
}

#[tokio::test]
async fn two_calls_of_one_request_at_once_get_the_same_answer() {
    let (server, mut tenant, sql) = large().await;
    let url = &server.database_url;
    let other = Server::on(url, Limits::default()).await;
    let another = Server::on(url, Limits::default()).await;
    let tenants = [
        tenant.clone(),
        Tenant::of(&other, "large").await,
        Tenant::of(&another, "large").await,
    ];
    let before = tenant.get_contact("P00000").await.unwrap().revision;
    let delete = pb::DeleteMailingGroupRequest {
        code: "MOVE".into(),
        force: true,
        request_id: "group".into(),
        ..Default::default()
    };
    let deleted = assert_same!(
        server,
        tenants,
        sql,
        groups.delete_mailing_group(delete.clone())
    );
    assert_eq!(deleted.unassigned_count, PEOPLE);
    let merged = assert_same!(
        server,
        tenants,
        sql,
        contacts.merge_contacts(merge("merge"))
    );
    assert_eq!(merged.moved_person_count, PEOPLE);
    let delete = || delete_contact("KEPT", "company");
    let deleted = assert_same!(server, tenants, sql, contacts.delete_contact(delete()));
    assert_eq!(deleted.detached_person_count, PEOPLE);
    assert_eq!(largest_change(&sql, before).await, 10_000);
    assert_consistent(url, "large").await;
}

#[tokio::test]
async fn a_dry_run_says_what_all_steps_would_do() {
    let (_server, mut tenant, sql) = large().await;
    let many = "WITH t AS (SELECT tenant_id FROM tenants WHERE name = 'large'), \
         g AS (INSERT INTO mailing_groups (tenant_id, group_id, code, description, company_count, \
                 person_count, revision, create_time, update_time) \
             SELECT tenant_id, n, 'G' || n, '', 1, 0, 1, now(), now() \
             FROM t, generate_series(101, 10200) n RETURNING tenant_id, group_id), \
         m AS (INSERT INTO memberships (tenant_id, group_id, contact_number, revision, create_time) \
             SELECT tenant_id, group_id, 1, 1, now() FROM g), \
         c AS (UPDATE contacts SET mailing_group_count = 10100 \
             WHERE tenant_id = (SELECT tenant_id FROM t) AND contact_number = 1) \
         UPDATE clocks SET next_group_id = 10201, \
             mailing_group_count = mailing_group_count + 10100 \
         WHERE tenant_id = (SELECT tenant_id FROM t)";
    sql.run(many).await;
    tenant.assign("KEPT", "G101").await;
    let before = tenant.get_contact("KEPT").await.unwrap();
    let dry = pb::MergeContactsRequest {
        validate_only: true,
        ..merge("")
    };
    let would = tenant.contacts.merge_contacts(dry).await;
    let would = would.unwrap().into_inner();
    assert_eq!(tenant.get_contact("KEPT").await.unwrap(), before);
    let did = tenant.contacts.merge_contacts(merge("")).await;
    let did = did.unwrap().into_inner();
    assert_eq!(
        (did.moved_person_count, did.moved_codes.len()),
        (PEOPLE, 10_099)
    );
    // Two steps with people only, one with people and groups, one with groups.
    assert_eq!(did.revision, would.revision + 4);
    let without_version = |it: pb::MergeContactsResponse| {
        let contact = it.contact.unwrap();
        let counted = (contact.id, contact.mailing_group_count);
        (
            counted,
            it.moved_codes,
            it.common_codes,
            it.moved_person_count,
        )
    };
    assert_eq!(without_version(would), without_version(did));

    let dry = pb::DeleteContactRequest {
        validate_only: true,
        ..delete_contact("KEPT", "")
    };
    let would = tenant.contacts.delete_contact(dry).await;
    let would = would.unwrap().into_inner();
    let did = tenant
        .contacts
        .delete_contact(delete_contact("KEPT", ""))
        .await;
    let did = did.unwrap().into_inner();
    assert_eq!(did.revision, would.revision + 4);
    let counts = |it: pb::DeleteContactResponse| (it.unassigned_count, it.detached_person_count);
    assert_eq!(counts(did), (10_100, PEOPLE));
    assert_eq!(counts(would), counts(did));
}

#[tokio::test]
async fn up_to_ten_thousand_people_are_all_or_nothing() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("C")).await;
    let people: Vec<_> = (0..10_000).map(|n| person(&format!("P{n}"), "C")).collect();
    tenant.import_contacts(&people).await;
    let before = tenant.create(company("D")).await.revision;
    let merged = tenant.merge("D", "C").await.unwrap();
    assert_eq!(
        (merged.moved_person_count, merged.revision),
        (10_000, before + 1)
    );
    let deleted = tenant.delete_contact("D", "", true).await.unwrap();
    assert_eq!(
        (deleted.detached_person_count, deleted.revision),
        (10_000, before + 2)
    );
}
