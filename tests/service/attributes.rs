//! Attributes of contacts: created, changed, imported, merged.

mod merges;
mod selection;
mod sizes;
mod values;

use std::collections::BTreeMap;

use mailing_groups::pb::{self, import_contacts_request::Start};
use tonic::Code;

use crate::{
    imports::{import_with, summary},
    support::{Server, Sql, Tenant, info, mask, person, violations},
};

/// Attributes, as `territory=CH class=A`.
pub(crate) fn attributes(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split_whitespace().filter_map(|it| it.split_once('='));
    pairs
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

pub(crate) fn with_attributes(contact: pb::Contact, text: &str) -> pb::Contact {
    pb::Contact {
        attributes: attributes(text),
        ..contact
    }
}

fn many(count: usize) -> BTreeMap<String, String> {
    (0..count).map(|n| (format!("k{n}"), "x".into())).collect()
}

#[tokio::test]
async fn attributes_are_stored_and_normalised() {
    let mut tenant = Tenant::new().await;
    let given = [("city", " Gene\u{300}ve "), ("class_2", "A \"b\" \\ 🎁")];
    let given = pb::Contact {
        attributes: given.map(|(key, value)| (key.into(), value.into())).into(),
        ..person("P", "")
    };
    let contact = tenant.create(given.clone()).await;
    assert_eq!(contact.attributes["city"], "Gen\u{e8}ve");
    assert_eq!(contact.attributes["class_2"], "A \"b\" \\ 🎁");
    assert_eq!(tenant.get_contact("P").await.unwrap(), contact);
    let same = tenant.update_contact(given, mask(&["attributes"])).await;
    assert_eq!(same.unwrap().revision, contact.revision);
    let full = pb::Contact {
        attributes: many(32),
        ..person("Q", "")
    };
    assert_eq!(tenant.create(full).await.attributes.len(), 32);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn an_invalid_attribute_is_named() {
    let mut tenant = Tenant::new().await;
    for (key, value, expected) in [
        ("Territory", "CH", "lower-case letter"),
        ("", "CH", "lower-case letter"),
        ("company", "C1", "expressions"),
        ("territory", " ", "must not be blank"),
        ("territory", "a\nb", "printable characters"),
        (
            "territory",
            &"é".repeat(101),
            "at most 100 characters; it has 101",
        ),
    ] {
        let contact = pb::Contact {
            attributes: [(key.to_owned(), value.to_owned())].into(),
            ..person("P", "")
        };
        let status = tenant.create_contact(contact, "").await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let field = format!("contact.attributes[\"{key}\"]");
        assert_eq!(violations(&status), [field], "{status:?}");
        assert!(status.message().contains(expected), "{status:?}");
    }
    let two_wrong = pb::Contact {
        name: String::new(),
        ..with_attributes(person("P", ""), "A=1 b=2 C=3")
    };
    let status = tenant.create_contact(two_wrong, "").await.unwrap_err();
    let wrong = [
        "contact.name",
        "contact.attributes[\"A\"]",
        "contact.attributes[\"C\"]",
    ];
    assert_eq!(violations(&status), wrong);
    let surplus = pb::Contact {
        attributes: many(33),
        ..person("P", "")
    };
    let status = tenant.create_contact(surplus, "").await.unwrap_err();
    assert_eq!(violations(&status), ["contact.attributes"]);
    let full = pb::Contact {
        attributes: many(32),
        ..person("P", "")
    };
    tenant.create(full).await;
    let one_more = with_attributes(person("P", ""), "more=1");
    let status = tenant
        .update_contact(one_more, mask(&["attributes.more"]))
        .await;
    let status = status.unwrap_err();
    assert_eq!(violations(&status), ["contact.attributes"]);
    assert!(status.message().contains("it would have 33"), "{status:?}");
}

#[tokio::test]
async fn an_update_replaces_all_attributes_or_those_of_some_keys() {
    let mut tenant = Tenant::new().await;
    tenant
        .create(with_attributes(person("P", ""), "a=1 b=2 c=3"))
        .await;
    let all_others = pb::Contact {
        name: "Name".into(),
        ..person("P", "")
    };
    for (sent, paths, expected) in [
        (
            "b=4 d=5",
            &["attributes.b", "attributes.c", "attributes.a"][..],
            "b=4",
        ),
        ("a=1 b=2", &["attributes.a", "name"], "a=1 b=4"),
        ("", &["*"], "a=1 b=4"),
        ("", &[], "a=1 b=4"),
        ("x=1", &["name"], "a=1 b=4"),
        ("x=1", &["attributes", "attributes.a"], "x=1"),
        ("y=1", &["*"], "y=1"),
        ("z=1", &[], "z=1"),
        ("", &["attributes"], ""),
    ] {
        let sent = with_attributes(all_others.clone(), sent);
        let updated = tenant.update_contact(sent, mask(paths)).await.unwrap();
        let contact = updated.contact.unwrap();
        assert_eq!(contact.attributes, attributes(expected), "{paths:?}");
        assert_eq!(tenant.get_contact("P").await.unwrap(), contact);
        tenant.assert_consistent().await;
    }
    let key = format!("attributes.{}", "k".repeat(32));
    for path in ["attributes.", "attributes.A", "attributes.name", &key] {
        let status = tenant.update_contact(person("P", ""), mask(&[path])).await;
        let status = status.unwrap_err();
        assert_eq!(violations(&status), ["update_mask"]);
        assert!(
            status.message().contains(&path[..12.min(path.len())]),
            "{status:?}"
        );
    }
}

#[tokio::test]
async fn a_change_of_an_attribute_changes_the_etag() {
    let mut tenant = Tenant::new().await;
    let contact = tenant.create(person("P", "")).await;
    let changed = with_attributes(contact.clone(), "territory=CH");
    let changed = tenant.update_contact(changed, None).await.unwrap();
    let changed = changed.contact.unwrap();
    assert_ne!(changed.etag, contact.etag);
    let stale = with_attributes(contact, "territory=DE");
    let status = tenant.update_contact(stale, None).await.unwrap_err();
    assert_eq!(info(&status).reason, "ETAG_MISMATCH");
}

#[tokio::test]
async fn an_import_sets_the_attributes_that_its_mask_names() {
    let mut tenant = Tenant::new().await;
    tenant
        .create(with_attributes(person("P", ""), "a=1 b=2"))
        .await;
    let masked = |paths: &[&str]| Start {
        update_mask: mask(paths),
        ..Default::default()
    };
    for (sent, paths, expected) in [
        ("a=1", &["attributes.a"][..], "a=1 b=2"),
        ("", &[], "a=1 b=2"),
        ("", &["*"], "a=1 b=2"),
        ("c=3", &["attributes.b", "attributes.c"], "a=1 c=3"),
        ("d=4", &[], "d=4"),
        ("", &["attributes"], ""),
    ] {
        let chunk = vec![with_attributes(person("P", ""), sent)];
        let answers = import_with(&mut tenant, masked(paths), vec![chunk]).await;
        let done = summary(&answers);
        let contact = tenant.get_contact("P").await.unwrap();
        assert_eq!(contact.attributes, attributes(expected), "{paths:?}");
        let is_same = expected == "a=1 b=2";
        assert_eq!(done.unchanged_count, i64::from(is_same), "{paths:?}");
    }
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn what_is_kept_of_a_rejected_item_names_no_invalid_key() {
    let mut tenant = Tenant::new().await;
    let start = || Start {
        import_id: "crm".into(),
        ..Default::default()
    };
    let chunk = vec![
        with_attributes(person("P", ""), "Ada=1"),
        with_attributes(person("Q", ""), &format!("class={}", "x".repeat(101))),
    ];
    let answers = import_with(&mut tenant, start(), vec![chunk]).await;
    let rejected = crate::imports::rejections(&answers);
    let expected = [(0, "P", "attributes"), (1, "Q", "attributes[\"class\"]")];
    assert_eq!(rejected, expected);
    let sql = Sql::connect(&Server::shared().await.database_url).await;
    let kept = "SELECT count(*) FROM import_rejections r JOIN tenants USING (tenant_id) \
        WHERE name = $1 AND r.rejection::text LIKE '%Ada%'";
    assert_eq!(sql.number(kept, &[&tenant.name]).await, 0);
}

#[tokio::test]
async fn the_rows_of_attributes_go_with_their_contact() {
    let mut tenant = Tenant::new().await;
    tenant
        .create(with_attributes(person("P", ""), "a=1 b=2"))
        .await;
    tenant.delete_contact("P", "", true).await.unwrap();
    let sql = Sql::connect(&Server::shared().await.database_url).await;
    let rows = "SELECT count(*) FROM contact_attributes JOIN tenants USING (tenant_id) \
        WHERE name = $1";
    assert_eq!(sql.number(rows, &[&tenant.name]).await, 0);
    tenant.assert_consistent().await;
}
