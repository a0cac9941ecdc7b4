//! Calls of every RPC, and how much each of their statements may read.

mod segments;

use serde_json::{Value, json};

pub(super) use self::segments::once;
use self::{
    Reads::{Everyone, Few, Groups, Log, Search, Segments},
    segments::{ends, segments, selections},
};

/// What a statement may read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reads {
    /// A small multiple of what the call names and returns.
    Few,
    /// A page of a search, which looks through 4,096 contacts in up to three ways.
    Search,
    /// Ten thousand revisions, or as many changes.
    Log,
    /// The groups of the tenant.
    Groups,
    /// The segments of the tenant, or the saved criteria.
    Segments,
    /// The merged contacts of the tenant, one in a hundred: a segment may name them.
    Merged,
    /// The contacts of the tenant, once, to cache them as a set or to send them all.
    Everyone,
}

/// A method, its messages, and what its statements may read. All steps succeed, in this order.
pub(super) type Step = (&'static str, Value, Reads);

/// Nine contacts that exist.
fn contacts_that_exist() -> Vec<String> {
    (12..21).map(|n| format!("P{n:07}")).collect()
}

/// Nine pairs of a contact and a group that do not exist.
fn pairs() -> Vec<Value> {
    let pair = |id| json!({"contact_id": id, "code": "G5"});
    contacts_that_exist().into_iter().map(pair).collect()
}

/// Twenty contacts, of which a half are companies and the others their people.
fn contacts(prefix: &str) -> Vec<Value> {
    let contact = |n| {
        let id = format!("{prefix}{n}");
        match n % 2 {
            0 => json!({"id": id, "kind": 1, "name": "new"}),
            _ => {
                json!({"id": id, "kind": 2, "name": "new", "company_id": format!("{prefix}{}", n - 1),
                "email": "new@example.com", "attributes": [{"key": "class", "value": "B"}]})
            }
        }
    };
    (0..20).map(contact).collect()
}

pub(super) fn steps() -> Vec<Step> {
    let mut steps = groups();
    steps.extend(contact_steps());
    steps.extend(lists());
    steps.extend(selections());
    steps.extend(segments());
    steps.extend(ends());
    steps
}

fn groups() -> Vec<Step> {
    let of = |code: &str| json!({"mailing_group": {"code": code, "description": "new"}});
    vec![
        ("MailingGroups/CreateMailingGroup", of("NEW"), Few),
        (
            "MailingGroups/CreateMailingGroup",
            json!({"mailing_group": {"code": "NEW2"}, "request_id": "new-1"}),
            Few,
        ),
        ("MailingGroups/GetMailingGroup", json!({"code": "NEW"}), Few),
        (
            "MailingGroups/BatchGetMailingGroups",
            json!({"codes": ["G1", "G2", "OLD3", "NONE"]}),
            Few,
        ),
        ("MailingGroups/UpdateMailingGroup", of("NEW"), Few),
        (
            "MailingGroups/RenameMailingGroup",
            json!({"code": "NEW", "new_code": "NEWER"}),
            Few,
        ),
        (
            "MailingGroups/AssignMailingGroup",
            json!({"contact_id": "P0000012", "code": "NEWER"}),
            Few,
        ),
        (
            "MailingGroups/AssignMailingGroup",
            json!({"contact_id": "P0000013", "code": "NEWER"}),
            Few,
        ),
        (
            "MailingGroups/UnassignMailingGroup",
            json!({"contact_id": "P0000012", "code": "NEWER"}),
            Few,
        ),
        (
            "MailingGroups/BatchAssignMailingGroups",
            json!({"assignments": pairs(), "request_id": "new-2"}),
            Few,
        ),
        (
            "MailingGroups/BatchAssignMailingGroups",
            json!({"assignments": pairs(), "validate_only": true}),
            Few,
        ),
        (
            "MailingGroups/BatchUnassignMailingGroups",
            json!({"assignments": pairs()}),
            Few,
        ),
        (
            "MailingGroups/ImportMemberships",
            json!([{"start": {"import_id": "new"}}, {"chunk": {"assignments": pairs()}}, {"finish": {}}]),
            Few,
        ),
        (
            "MailingGroups/ReplaceContactMailingGroups",
            json!({"contact_id": "P0000013", "codes": ["G6", "G7"]}),
            Few,
        ),
        (
            "MailingGroups/DeleteMailingGroup",
            json!({"code": "NEWER", "force": true}),
            Few,
        ),
        (
            "MailingGroups/DeleteMailingGroup",
            json!({"code": "NEW2"}),
            Few,
        ),
    ]
}

fn contact_steps() -> Vec<Step> {
    vec![
        (
            "Contacts/BatchCreateContacts",
            json!({"contacts": contacts("N")}),
            Few,
        ),
        (
            "Contacts/CreateContact",
            json!({"contact": {"id": "N", "kind": 2, "name": "new", "company_id": "C0000001"},
                "request_id": "new-3"}),
            Few,
        ),
        (
            "Contacts/ImportContacts",
            json!([{"start": {"import_id": "news"}}, {"chunk": {"contacts": contacts("I")}}, {"finish": {}}]),
            Few,
        ),
        (
            "Contacts/ImportContacts",
            json!([{"start": {}}, {"chunk": {"contacts": contacts("I")}}, {"finish": {}}]),
            Few,
        ),
        ("Contacts/GetContact", json!({"id": "P0000012"}), Few),
        (
            "Contacts/BatchGetContacts",
            json!({"ids": contacts_that_exist()}),
            Few,
        ),
        (
            "Contacts/BatchGetContacts",
            json!({"ids": ["M1", "NONE"]}),
            Few,
        ),
        (
            "MailingGroups/BatchAssignMailingGroups",
            json!({"assignments": [{"contact_id": "N1", "code": "G5"}, {"contact_id": "I1", "code": "G5"},
                {"contact_id": "I2", "code": "G5"}]}),
            Few,
        ),
        (
            "Contacts/UpdateContact",
            json!({"contact": {"id": "N1", "kind": 1, "name": "new", "email": "a@example.com"}, "update_mask": {"paths": ["kind", "company_id", "email"]}}),
            Few,
        ),
        (
            "Contacts/UpdateContact",
            json!({"contact": {"id": "N1", "attributes": [{"key": "class", "value": "C"}]}, "update_mask": {"paths": ["attributes.class", "attributes.territory"]}}),
            Few,
        ),
        (
            "Contacts/UpdateContact",
            json!({"contact": {"id": "NEW", "kind": 2, "name": "made"}, "allow_missing": true}),
            Few,
        ),
        (
            "Contacts/MergeContacts",
            json!({"kept_id": "I0", "merged_id": "I2"}),
            Segments,
        ),
        ("Contacts/DeleteContact", json!({"id": "NEW"}), Segments),
        (
            "Contacts/DeleteContact",
            json!({"id": "I0", "force": true}),
            Few,
        ),
    ]
}

fn lists() -> Vec<Step> {
    let contacts = |request| ("Contacts/ListContacts", request, Few);
    let searches = |request| ("Contacts/ListContacts", request, Search);
    let groups = |request| ("MailingGroups/ListMailingGroups", request, Few);
    let sorted = |request| ("MailingGroups/ListMailingGroups", request, Groups);
    let revisions = |request| ("MailingGroups/ListRevisions", request, Log);
    vec![
        ("Contacts/ListAttributeValues", json!({}), Everyone),
        (
            "Contacts/ListAttributeValues",
            json!({"key": "territory", "page_size": 5}),
            Log,
        ),
        contacts(json!({"page_size": 50})),
        contacts(json!({"page_size": 50, "prefix": "P0000"})),
        contacts(json!({"page_size": 50, "kind": 1})),
        contacts(json!({"page_size": 50, "kind": 2, "prefix": "P"})),
        contacts(json!({"page_size": 50, "company_id": "C0000011"})),
        contacts(json!({"page_size": 50, "email": "user50@example.com"})),
        searches(json!({"page_size": 50, "code": "G1"})),
        searches(json!({"page_size": 50, "code": "G2"})),
        searches(json!({"page_size": 50, "code": "G3", "kind": 2})),
        searches(json!({"page_size": 50, "name_contains": "me 77"})),
        searches(json!({"page_size": 50, "name_contains": "nobody"})),
        searches(json!({"page_size": 50, "name_contains": "name"})),
        groups(json!({"page_size": 50})),
        groups(json!({"page_size": 50, "order_by": "code desc"})),
        sorted(json!({"page_size": 50, "prefix": "G"})),
        sorted(json!({"page_size": 50, "prefix": "g1"})),
        sorted(json!({"page_size": 50, "order_by": "contact_count desc"})),
        sorted(json!({"page_size": 50, "order_by": "update_time", "prefix": "G"})),
        (
            "MailingGroups/ListContactMailingGroups",
            json!({"contact_id": "C0000001", "page_size": 50}),
            Groups,
        ),
        (
            "MailingGroups/ListMailingGroupContacts",
            json!({"code": "G3", "page_size": 50}),
            Search,
        ),
        (
            "MailingGroups/ListMailingGroupContacts",
            json!({"code": "G1", "page_size": 50, "kind": 2}),
            Search,
        ),
        revisions(json!({"page_size": 50})),
        ("MailingGroups/WatchChanges", json!({"revision": 1}), Log),
        (
            "MailingGroups/WatchChanges",
            json!({"revision": 1, "codes": ["G1"], "kinds": [3]}),
            Log,
        ),
        (
            "MailingGroups/WatchChanges",
            json!({"beginning": {}}),
            Everyone,
        ),
    ]
}
