//! Lists of groups in other orders than by code.

use mailing_groups::pb::{self, ListMailingGroupsRequest};
use tonic::Code;

use crate::support::{Tenant, company, mask, new_group, pairs, violations};

/// B and D have one contact, C has two, A and E none; C was changed last, and D before it.
async fn filled() -> Tenant {
    let mut tenant = Tenant::new().await;
    for code in ["E", "D", "C", "B", "A"] {
        tenant.group(code).await;
    }
    for id in ["X", "Y"] {
        tenant.create(company(id)).await;
    }
    let items = [("X", "B"), ("X", "C"), ("Y", "C"), ("Y", "D")];
    tenant.batch_assign(pairs(&items), "").await.unwrap();
    for code in ["D", "C"] {
        let update = tenant.update_group(new_group(code, "new"), mask(&["*"]));
        update.await.unwrap();
    }
    tenant
}

fn by(order: &str, page_size: i32) -> ListMailingGroupsRequest {
    ListMailingGroupsRequest {
        order_by: order.into(),
        page_size,
        ..Default::default()
    }
}

#[tokio::test]
async fn groups_are_listed_in_each_order_whatever_the_page_size() {
    let mut tenant = filled().await;
    for (order, expected) in [
        ("", "A B C D E"),
        ("code", "A B C D E"),
        ("code desc", "E D C B A"),
        ("contact_count", "A E B D C"),
        ("contact_count desc", "C B D A E"),
        ("update_time", "E B A D C"),
        (" update_time  desc ", "C D A B E"),
    ] {
        for page_size in 1..=6 {
            let (mut request, mut all) = (by(order, page_size), Vec::new());
            loop {
                let (codes, next) = tenant.group_page(&request).await.unwrap();
                all.extend(codes);
                request.page_token = next;
                if request.page_token.is_empty() {
                    break;
                }
            }
            assert_eq!(all.join(" "), expected, "{order:?}, pages of {page_size}");
        }
    }
    let mut prefixed = by("contact_count desc", 0);
    prefixed.prefix = "c".into();
    assert_eq!(tenant.group_page(&prefixed).await.unwrap().0, ["C"]);
}

#[tokio::test]
async fn a_page_token_belongs_to_its_order() {
    let mut tenant = filled().await;
    let (_, token) = tenant.group_page(&by("contact_count", 2)).await.unwrap();
    for other in ["", "contact_count desc", "update_time"] {
        let request = pb::ListMailingGroupsRequest {
            page_token: token.clone(),
            ..by(other, 2)
        };
        let status = tenant.group_page(&request).await.unwrap_err();
        assert_eq!(violations(&status), ["page_token"], "{other:?}");
    }
}

#[tokio::test]
async fn an_unknown_order_is_refused() {
    let mut tenant = filled().await;
    for order in ["name", "contact_count asc", "code, update_time", "desc"] {
        let status = tenant.group_page(&by(order, 0)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(violations(&status), ["order_by"], "{order}");
        assert!(status.message().contains("contact_count"), "{status:?}");
    }
}
