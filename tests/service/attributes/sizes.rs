//! Contacts with as many and as long attributes as there may be: messages stay below 4 MiB, which is what
//! the client of these tests accepts.

use mailing_groups::pb::{
    self, SegmentMemberView, compare_segments_response::Message,
    stream_segment_members_response::Message as OfMembers,
};
use prost::Message as _;

use crate::support::{Tenant, person, select, violations};

const COUNT: usize = 1_300;

fn large(n: usize) -> pb::Contact {
    let long = (0..31).map(|key| (format!("key_{key}"), "é".repeat(100)));
    let own = [("number".to_owned(), n.to_string())];
    pb::Contact {
        attributes: own.into_iter().chain(long).collect(),
        ..person(&format!("P{n:04}"), "")
    }
}

async fn filled() -> Tenant {
    let mut tenant = Tenant::new().await;
    let contacts: Vec<_> = (0..COUNT).map(large).collect();
    for part in contacts.chunks(500) {
        tenant.import_contacts(part).await;
    }
    tenant
}

fn ids() -> Vec<String> {
    (0..COUNT).map(|n| large(n).id).collect()
}

#[tokio::test]
async fn pages_of_large_contacts_end_early() {
    let mut tenant = filled().await;
    let (mut found, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        pages += 1;
        let request = pb::ListContactsRequest {
            page_size: 1_000,
            page_token,
            ..Default::default()
        };
        let page = tenant.contacts.list_contacts(request).await.unwrap();
        let page = page.into_inner();
        assert!(page.encoded_len() < 5 << 19);
        found.extend(page.contacts.into_iter().map(|it| it.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, ids());
    assert!(pages < 7, "{pages} pages");
}

#[tokio::test]
async fn streams_of_large_contacts_come_in_several_messages() {
    let mut tenant = filled().await;
    let request = |resume_token: String| pb::StreamSegmentMembersRequest {
        view: SegmentMemberView::Full.into(),
        page_size: 2_000,
        resume_token,
        ..select("has key_7")
    };
    let first = tenant.stream(request(String::new())).await.unwrap();
    assert!(first.pages.len() > 3);
    assert_eq!(first.summary.sent_count, COUNT as i64);
    let sent = |pages: &[pb::stream_segment_members_response::Page]| -> Vec<String> {
        let members = pages.iter().flat_map(|it| &it.members);
        members.map(|it| it.contact_id.clone()).collect()
    };
    assert_eq!(sent(&first.pages), ids());
    let token = first.pages[0].resume_token.clone();
    let rest = tenant.stream(request(token)).await.unwrap();
    assert_eq!(sent(&rest.pages), sent(&first.pages[1..]));
    let message = |page| pb::StreamSegmentMembersResponse {
        message: Some(OfMembers::Page(page)),
    };
    let sizes = first.pages.into_iter().map(|it| message(it).encoded_len());
    assert!(sizes.max() < Some(5 << 19));

    let selection = |expression| select(expression).selection;
    let request = pb::CompareSegmentsRequest {
        before: selection("number = 3"),
        after: selection("has key_1 AND number != 3"),
        view: SegmentMemberView::Full.into(),
        page_size: 2_000,
        ..Default::default()
    };
    let stream = tenant.segments.compare_segments(request).await.unwrap();
    let (mut stream, mut entered, mut left) = (stream.into_inner(), Vec::new(), Vec::new());
    while let Some(message) = stream.message().await.unwrap() {
        assert!(message.encoded_len() < 5 << 19);
        if let Some(Message::Page(page)) = message.message {
            entered.extend(page.entered.into_iter().map(|it| it.contact_id));
            left.extend(page.left.into_iter().map(|it| it.contact_id));
        }
    }
    let mut expected = ids();
    expected.remove(3);
    assert_eq!((entered, left), (expected, vec!["P0003".to_owned()]));
}

#[tokio::test]
async fn batches_of_too_large_contacts_are_refused() {
    let mut tenant = filled().await;
    let get = |count: usize| pb::BatchGetContactsRequest {
        ids: ids().into_iter().take(count).collect(),
    };
    let found = tenant.contacts.batch_get_contacts(get(400)).await.unwrap();
    assert_eq!(found.into_inner().contacts.len(), 400);
    let refused = tenant.contacts.batch_get_contacts(get(700)).await;
    let refused = refused.unwrap_err();
    assert_eq!(violations(&refused), ["ids"]);
    assert!(refused.message().contains("3.5 MiB"), "{refused:?}");
    let create = |range: std::ops::Range<usize>| pb::BatchCreateContactsRequest {
        contacts: range.map(|n| large(COUNT + n)).collect(),
        ..Default::default()
    };
    let refused = tenant.contacts.batch_create_contacts(create(0..560)).await;
    assert_eq!(violations(&refused.unwrap_err()), ["contacts"]);
    let created = tenant.contacts.batch_create_contacts(create(0..400)).await;
    assert_eq!(created.unwrap().into_inner().created_count, 400);
}
