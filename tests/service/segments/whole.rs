//! Reading actions with all contacts that they name.

use mailing_groups::pb;
use tonic::Code;

use super::ask::{add, add_ids, reduce};
use crate::support::{Server, Sql, Tenant, person, refused, resource, violations};

fn saved(code: &str) -> pb::GetSavedCriteriaRequest {
    pb::GetSavedCriteriaRequest {
        code: code.into(),
        ..Default::default()
    }
}

impl Tenant {
    async fn get_action(
        &mut self,
        segment_id: &str,
        number: i32,
    ) -> Result<pb::SegmentAction, tonic::Status> {
        let request = pb::GetSegmentActionRequest {
            segment_id: segment_id.into(),
            number,
        };
        let response = self.segments.get_segment_action(request).await?;
        Ok(response.into_inner().action.unwrap())
    }

    async fn save(&mut self, segment_id: &str, code: &str) {
        let request = pb::SaveCriteriaRequest {
            segment_id: segment_id.into(),
            code: code.into(),
            description: "spring".into(),
            ..Default::default()
        };
        self.segments.save_criteria(request).await.unwrap();
    }
}

#[tokio::test]
async fn an_action_is_read_with_all_its_contacts() {
    let mut tenant = Tenant::small_world().await;
    let ids: Vec<String> = (10..30).map(|n| format!("P{n}")).collect();
    for id in &ids {
        tenant.create(person(id, "")).await;
    }
    tenant.segment("S").await;
    tenant.add(add("S", "MOVE")).await;
    let named: Vec<&str> = ids.iter().rev().map(String::as_str).collect();
    tenant.add(add_ids("S", &named)).await;
    tenant.delete_contact("P10", "", true).await.unwrap();
    let listed = tenant.actions("S").await;
    assert_eq!(tenant.get_action("S", 1).await.unwrap(), listed[0]);
    let whole = tenant.get_action("S", 2).await.unwrap();
    assert_eq!(whole.contact_ids, ids[1..]);
    assert_eq!(listed[1].contact_ids, ids[1..11]);
    let contact_ids = listed[1].contact_ids.clone();
    assert_eq!(
        pb::SegmentAction {
            contact_ids,
            ..whole
        },
        listed[1]
    );
}

#[tokio::test]
async fn an_action_that_does_not_exist_is_not_found() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    tenant.add(add("S", "MOVE")).await;
    tenant.add(add("S", "GIFT")).await;
    tenant.go_back("S").await;
    for number in [2, i32::MAX] {
        let status = tenant.get_action("S", number).await.unwrap_err();
        let kind = "mailinggroups.v1.SegmentAction".to_owned();
        assert_eq!(resource(&status), (kind, format!("S/{number}")));
        let reason = "SEGMENT_ACTION_NOT_FOUND".to_owned();
        assert_eq!(
            refused(Err::<(), _>(status)),
            (Code::NotFound, reason.clone())
        );
    }
    for number in [0, i32::MIN] {
        let status = tenant.get_action("S", number).await.unwrap_err();
        assert_eq!(violations(&status), ["number"]);
    }
    let unknown = (Code::NotFound, "SEGMENT_NOT_FOUND".to_owned());
    assert_eq!(refused(tenant.get_action("T", 1).await), unknown);
}

#[tokio::test]
async fn saved_criteria_are_read_with_their_actions_page_by_page() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    let mut related = add("S", "MOVE");
    related.options = Some(pb::SelectionOptions {
        include_related_companies: true,
        ..Default::default()
    });
    tenant.add(related.clone()).await;
    tenant.add(add_ids("S", &["D", "B"])).await;
    let mut entire = reduce("S", "kind = COMPANY");
    entire.entire_companies = true;
    tenant.reduce(entire).await;
    tenant.save("S", "spring").await;
    let read = tenant.segments.get_saved_criteria(saved("spring")).await;
    let read = read.unwrap().into_inner();
    let criteria = read.saved_criteria.unwrap();
    assert_eq!((criteria.action_count, read.actions.len()), (3, 3));
    assert_eq!(read.next_page_token, "");
    let expressions = read.actions.iter().map(|it| it.expression.as_str());
    assert_eq!(
        expressions.collect::<Vec<_>>(),
        ["MOVE", "", "kind = COMPANY"]
    );
    assert_eq!(read.actions[0].options, related.options);
    assert_eq!(read.actions[1].contact_ids, ["B", "D"]);
    assert!(read.actions[2].entire_companies);
    assert_eq!(read.actions[2].kind(), pb::SegmentActionKind::Reduce);
    let mut request = saved("spring");
    request.page_size = 2;
    let mut pages = Vec::new();
    loop {
        let read = tenant.segments.get_saved_criteria(request.clone()).await;
        let read = read.unwrap().into_inner();
        pages.push(read.actions.iter().map(|it| it.number).collect::<Vec<_>>());
        request.page_token = read.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [vec![1, 2], vec![3]]);
    let unknown = (Code::NotFound, "SAVED_CRITERIA_NOT_FOUND".to_owned());
    let read = tenant.segments.get_saved_criteria(saved("summer")).await;
    assert_eq!(refused(read), unknown);
}

#[tokio::test]
async fn a_page_of_actions_ends_before_it_is_too_large_for_a_message() {
    let mut tenant = Tenant::new().await;
    tenant.create(person("FIRST", "")).await;
    tenant.segment("S").await;
    let sql = Sql::connect(&Server::shared().await.database_url).await;
    let tenant_id = sql.tenant_id(&tenant.name).await;
    sql.run(&format!(
        "INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, revision, \
             create_time, update_time) \
         SELECT {tenant_id}, n, lpad(n::text, 64, 'x'), 2, 'P', 'p', 1, now(), now() \
         FROM generate_series(2, 10001) n; \
         UPDATE clocks SET next_contact_number = 10002, history_start = revision + 1, \
             revision = revision + 1 WHERE tenant_id = {tenant_id}"
    ))
    .await;
    let ids: Vec<String> = (2..10_002).map(|n| format!("{n:x>64}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for _ in 0..5 {
        tenant.add(add_ids("S", &ids)).await;
    }
    tenant.save("S", "large").await;
    let (mut request, mut counts) = (saved("large"), Vec::new());
    loop {
        let read = tenant.segments.get_saved_criteria(request.clone()).await;
        let read = read.unwrap().into_inner();
        let full = read.actions.iter().all(|it| it.contact_ids.len() == 10_000);
        assert!(full);
        counts.push(read.actions.len());
        request.page_token = read.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(counts, [2, 2, 1]);
}
