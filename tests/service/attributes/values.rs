//! The keys and values that contacts have.

use mailing_groups::pb;

use super::with_attributes;
use crate::support::{Tenant, person, violations};

#[tokio::test]
async fn the_keys_and_values_that_contacts_have_are_listed_and_counted() {
    let mut tenant = Tenant::new().await;
    for (id, text) in [
        ("A", "b=1 c=z"),
        ("B", "b=1 a=x"),
        ("C", "b=2 c=y"),
        ("D", ""),
    ] {
        tenant.create(with_attributes(person(id, ""), text)).await;
    }
    let list = async |key: &str, page_size: i32| {
        let (mut tenant, mut found, mut page_token) = (tenant.clone(), Vec::new(), String::new());
        loop {
            let request = pb::ListAttributeValuesRequest {
                page_size,
                page_token,
                key: key.into(),
            };
            let page = tenant
                .contacts
                .list_attribute_values(request)
                .await
                .unwrap();
            let page = page.into_inner();
            assert!(page.attribute_values.len() <= page_size as usize);
            let texts = page.attribute_values.into_iter();
            found.extend(texts.map(|it| format!("{}={}:{}", it.key, it.value, it.contact_count)));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return found;
            }
        }
    };
    for page_size in [1, 2, 50] {
        assert_eq!(list("", page_size).await, ["a=:1", "b=:3", "c=:2"]);
        assert_eq!(list("b", page_size).await, ["b=1:2", "b=2:1"]);
        assert_eq!(list("c", page_size).await, ["c=y:1", "c=z:1"]);
        assert_eq!(list("unknown", page_size).await, [""; 0]);
    }
    let request = pb::ListAttributeValuesRequest {
        key: "Kind".into(),
        ..Default::default()
    };
    let status = tenant
        .contacts
        .list_attribute_values(request)
        .await
        .unwrap_err();
    assert_eq!(violations(&status), ["key"]);
}
