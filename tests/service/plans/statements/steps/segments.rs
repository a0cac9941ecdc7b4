//! Calls about selections and segments, and those that end what was begun.

use serde_json::json;

use super::{
    Reads::{Everyone, Few, Groups, Log, Merged, Search, Segments},
    Step, contacts_that_exist,
};

pub(super) fn selections() -> Vec<Step> {
    let of = |expression: &str| json!({"selection": {"expression": expression}});
    let count =
        |expression: &str, reads| ("MailingGroups/CountSegmentMembers", of(expression), reads);
    let companies = (0..10).map(|n| format!("company = C00000{n}1"));
    let companies = companies.collect::<Vec<_>>().join(" OR ");
    vec![
        count("G1", Everyone),
        count("G1", Few),
        count("G1* OR G2 AND NOT G3", Everyone),
        count("G1* OR G2 AND NOT G3", Few),
        count("company = C0000001 OR email = \"user60@example.com\"", Few),
        count("territory = T42 AND NOT has language", Everyone),
        count("class = A OR territory IN (T2, \"T4*\")", Everyone),
        count("class = A OR territory IN (T2, \"T4*\")", Few),
        count(&companies, Few),
        count("* AND kind = company", Everyone),
        count("* AND kind = company", Few),
        (
            "MailingGroups/CountSegmentMembers",
            json!({"selection": {"expression": "G1", "options": {"expand_companies": true}}}),
            Everyone,
        ),
        ("MailingGroups/StreamSegmentMembers", of("G1"), Everyone),
        (
            "MailingGroups/StreamSegmentMembers",
            json!({"selection": {"expression": "G1"}, "view": 1}),
            Everyone,
        ),
        (
            "MailingGroups/StreamSegmentMembers",
            json!({"selection": {"expression": "G2"}, "page_size": 1_000}),
            Everyone,
        ),
    ]
}

pub(super) fn segments() -> Vec<Step> {
    let id = || json!({"id": "NEW"});
    let segment = || json!({"segment_id": "NEW"});
    vec![
        ("Segments/CreateSegment", json!({"segment": id()}), Few),
        ("Segments/GetSegment", id(), Few),
        ("Segments/ListSegments", json!({"page_size": 50}), Segments),
        (
            "Segments/ListSegments",
            json!({"page_size": 50, "prefix": "S1"}),
            Few,
        ),
        (
            "Segments/UpdateSegment",
            json!({"segment": {"id": "NEW", "description": "new"}}),
            Few,
        ),
        (
            "Segments/AddContacts",
            json!({"segment_id": "NEW", "expression": "G1"}),
            Few,
        ),
        (
            "Segments/AddContacts",
            json!({"segment_id": "NEW", "contact_ids": contacts_that_exist()}),
            Few,
        ),
        (
            "Segments/ReduceContacts",
            json!({"segment_id": "NEW", "expression": "G2"}),
            Few,
        ),
        (
            "Segments/RefineContacts",
            json!({"segment_id": "NEW", "expression": "kind = person"}),
            Few,
        ),
        ("Segments/GoBack", segment(), Few),
        (
            "Segments/GetSegmentAction",
            json!({"segment_id": "NEW", "number": 1}),
            Few,
        ),
        (
            "Segments/ListSegmentActions",
            json!({"segment_id": "NEW", "page_size": 50}),
            Few,
        ),
        (
            "Segments/SaveCriteria",
            json!({"segment_id": "NEW", "code": "NEW"}),
            Few,
        ),
        ("Segments/GetSavedCriteria", json!({"code": "NEW"}), Few),
        (
            "Segments/ListSavedCriteria",
            json!({"page_size": 50}),
            Segments,
        ),
        (
            "Segments/ReplayCriteria",
            json!({"code": "NEW", "segment_id": "NEW"}),
            Few,
        ),
        (
            "Segments/ApplyMailingGroup",
            json!({"segment_id": "NEW", "code": "G8"}),
            Few,
        ),
        (
            "Segments/ApplyMailingGroup",
            json!({"segment_id": "NEW", "code": "G9", "replace": true}),
            Few,
        ),
        (
            "Segments/CompareSegments",
            json!({"before": {"segment_id": "NEW"}, "after": {"expression": "G1"}}),
            Merged,
        ),
    ]
}

pub(super) fn ends() -> Vec<Step> {
    vec![
        (
            "MailingGroups/ListRevisions",
            json!({"page_size": 50, "contact_id": "P0000012"}),
            Log,
        ),
        (
            "MailingGroups/ListRevisions",
            json!({"page_size": 50, "code": "G5"}),
            Log,
        ),
        (
            "Contacts/DeleteContact",
            json!({"id": "N3", "force": true}),
            Few,
        ),
        ("Segments/DeleteSavedCriteria", json!({"code": "NEW"}), Few),
        ("Segments/DeleteSegment", json!({"id": "NEW"}), Few),
    ]
}

/// Calls that are made once: they take long in a large tenant, or concern none.
pub(crate) fn once() -> Vec<Step> {
    vec![
        (
            "Contacts/ExportContacts",
            json!({"page_size": 1_000}),
            Everyone,
        ),
        (
            "Tenants/CreateTenant",
            json!({"tenant": {"name": "new"}}),
            Few,
        ),
        ("Tenants/GetTenant", json!({"name": "t-400"}), Groups),
        (
            "Tenants/ListTenants",
            json!({"page_size": 50, "prefix": "t-5"}),
            Search,
        ),
        (
            "Tenants/UpdateTenant",
            json!({"tenant": {"name": "new", "limits": {"max_contacts": 5}}}),
            Few,
        ),
        ("Tenants/DeleteTenant", json!({"name": "new"}), Few),
        ("Identity/WhoAmI", json!({}), Few),
    ]
}
