//! Reading many groups or contacts by key.

use std::collections::HashMap;

use mailing_groups::pb;
use tonic::Code;

use crate::support::{Tenant, company, person, violations};

fn texts(keys: &[&str]) -> Vec<String> {
    keys.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn groups_are_read_in_the_order_of_the_request() {
    let mut tenant = Tenant::new().await;
    for code in ["MOVE", "GIFT", "OLD"] {
        tenant.group(code).await;
    }
    tenant.create(company("A")).await;
    tenant.assign("A", "GIFT").await;
    tenant.rename("OLD", "NEW", "").await.unwrap();
    let request = pb::BatchGetMailingGroupsRequest {
        codes: texts(&["move", "old", "GIFT", "none", "MOVE", "NONE"]),
    };
    let response = tenant.groups.batch_get_mailing_groups(request).await;
    let response = response.unwrap().into_inner();
    let mut expected = Vec::new();
    for code in ["MOVE", "GIFT", "MOVE"] {
        expected.push(tenant.get_group(code).await.unwrap());
    }
    assert_eq!(response.mailing_groups, expected);
    assert_eq!(response.missing_codes, ["OLD", "NONE", "NONE"]);
    let current = HashMap::from([("OLD".to_owned(), "NEW".to_owned())]);
    assert_eq!(response.current_codes, current);
}

#[tokio::test]
async fn contacts_are_read_in_the_order_of_the_request() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("A")).await;
    for id in ["P", "OLD", "OLDER"] {
        tenant.create(person(id, "A")).await;
    }
    tenant.merge("OLD", "OLDER").await.unwrap();
    tenant.merge("P", "OLD").await.unwrap();
    let request = pb::BatchGetContactsRequest {
        ids: texts(&["P", "p", "OLDER", "A", "P"]),
    };
    let response = tenant.contacts.batch_get_contacts(request).await;
    let response = response.unwrap().into_inner();
    let mut expected = Vec::new();
    for id in ["P", "A", "P"] {
        expected.push(tenant.get_contact(id).await.unwrap());
    }
    assert_eq!(response.contacts, expected);
    assert_eq!(response.missing_ids, ["p", "OLDER"]);
    let current = HashMap::from([("OLDER".to_owned(), "P".to_owned())]);
    assert_eq!(response.current_ids, current);
    let nothing = pb::BatchGetContactsRequest::default();
    let response = tenant.contacts.batch_get_contacts(nothing).await;
    assert_eq!(response.unwrap().into_inner().contacts, []);
}

#[tokio::test]
async fn a_key_that_is_not_well_formed_is_named() {
    let mut tenant = Tenant::new().await;
    let request = pb::BatchGetMailingGroupsRequest {
        codes: texts(&["MOVE", "X-CARD"]),
    };
    let status = tenant.groups.batch_get_mailing_groups(request).await;
    assert_eq!(violations(&status.unwrap_err()), ["codes[1]"]);
    let request = pb::BatchGetContactsRequest {
        ids: texts(&["", "A"]),
    };
    let status = tenant.contacts.batch_get_contacts(request).await;
    assert_eq!(violations(&status.unwrap_err()), ["ids[0]"]);
}

#[tokio::test]
async fn at_most_1000_keys_are_read() {
    let mut tenant = Tenant::new().await;
    for (count, refused) in [(1_000, false), (1_001, true)] {
        let ids: Vec<String> = (0..count).map(|n| format!("C{n}")).collect();
        let request = pb::BatchGetContactsRequest { ids };
        let outcome = tenant.contacts.batch_get_contacts(request).await;
        assert_eq!(outcome.is_err(), refused);
        if let Err(status) = outcome {
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(violations(&status), ["ids"]);
        }
    }
}
