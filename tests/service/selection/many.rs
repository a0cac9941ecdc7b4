//! Expressions with very many groups or operands.

use crate::support::{Server, Sql, Tenant, company, mask, person, select};

/// Groups `W1`, `W2`, … with one member each: the first contact has every third, and so on.
async fn fill(sql: &Sql, groups: i32) {
    sql.run(&format!(
        "SET session_replication_role = replica; \
         INSERT INTO mailing_groups (tenant_id, group_id, code, description, person_count, revision, \
                 create_time, update_time) \
             SELECT t.tenant_id, n, 'W' || n, '', 1, 1, now(), now() \
             FROM tenants t, generate_series(1000, 999 + {groups}) AS n; \
         INSERT INTO memberships \
             SELECT t.tenant_id, n, 1 + n % 3, 1, now() \
             FROM tenants t, generate_series(1000, 999 + {groups}) AS n; \
         UPDATE clocks SET next_group_id = 1000 + {groups}; \
         ANALYZE"
    ))
    .await;
}

async fn scene(groups: i32) -> (Server, Tenant) {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "t").await;
    for id in ["P1", "P2", "P3", "P4"] {
        tenant.create(person(id, "")).await;
    }
    fill(&Sql::connect(&server.database_url).await, groups).await;
    (server, tenant)
}

#[tokio::test]
async fn the_members_of_many_groups_are_read_exactly() {
    let (_server, mut tenant) = scene(2_500).await;
    assert_eq!(tenant.members("W*").await, ["P1", "P2", "P3"]);
    assert_eq!(tenant.members("W1000 OR W1003").await, ["P2"]);
    assert_eq!(tenant.members("W10?0 AND NOT W1001").await.len(), 2);
    // What changes afterwards is found in the log.
    tenant.assign("P4", "W3000").await;
    assert_eq!(tenant.members("W*").await, ["P1", "P2", "P3", "P4"]);
    tenant.group("W9").await;
    tenant.assign("P4", "W9").await;
    assert_eq!(tenant.members("W9 OR W9*").await, ["P4"]);
    assert_eq!(tenant.members("NOT W*").await, Vec::<String>::new());
}

#[tokio::test]
async fn many_companies_are_selected_at_once() {
    let (_server, mut tenant) = scene(1).await;
    for company_id in ["A", "B", "C"] {
        tenant.create(company(company_id)).await;
        tenant
            .create(person(&format!("{company_id}1"), company_id))
            .await;
    }
    let expression = "company = A OR company = B OR company = A";
    assert_eq!(tenant.members(expression).await, ["A", "A1", "B", "B1"]);
    let expression = "company = A AND company = C OR company = C AND NOT kind = PERSON";
    assert_eq!(tenant.members(expression).await, ["C"]);
    let many: Vec<_> = (0..20).map(|n| format!("K{n}")).collect();
    for id in &many {
        tenant.create(company(id)).await;
    }
    tenant.create(person("K0P", "K0")).await;
    let all: Vec<_> = many.iter().map(|id| format!("company = {id}")).collect();
    let all = all.join(" OR ");
    let selected = async |tenant: &mut Tenant| tenant.members(&all).await.len();
    assert_eq!(selected(&mut tenant).await, 21);
    // What changes afterwards is found in the log.
    let moved = person("A1", "K1");
    let mask = mask(&["company_id"]);
    tenant.update_contact(moved, mask).await.unwrap();
    assert_eq!(selected(&mut tenant).await, 22);
    assert_eq!(tenant.members("company = K1").await, ["A1", "K1"]);
    assert_eq!(tenant.members("company = A").await, ["A"]);
    tenant.delete_contact("K0P", "", true).await.unwrap();
    assert_eq!(selected(&mut tenant).await, 21);
    tenant.delete_contact("K2", "", true).await.unwrap();
    let error = tenant.stream(select(&all)).await.err().unwrap();
    assert!(format!("{error:?}").contains("K2"), "{error:?}");
    tenant.create(company("K2")).await;
    tenant.create(person("K2P", "K2")).await;
    assert_eq!(selected(&mut tenant).await, 22);
    let missing = "company = A OR company = B OR company = NOBODY";
    let error = tenant.stream(select(missing)).await.err().unwrap();
    let error = format!("{error:?}");
    assert!(error.contains("at position 31"), "{error}");
}
