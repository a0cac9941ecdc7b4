//! References that no foreign key holds: PostgreSQL lets them be broken, and the check finds it.

use super::damage::Original;
use crate::support::findings;

#[tokio::test]
async fn broken_references_without_a_foreign_key_are_found() {
    let original = Original::create().await;
    for (statements, expected) in [
        (
            "INSERT INTO memberships SELECT $T, group_id, 999, 0, now() FROM mailing_groups
                 WHERE tenant_id = $T AND code = 'MOVE'",
            "members",
        ),
        (
            "INSERT INTO memberships SELECT $T, 999, contact_number, 0, now() FROM contacts
                 WHERE tenant_id = $T AND id = 'A'",
            "members",
        ),
        (
            "DELETE FROM contacts WHERE tenant_id = $T AND id = 'ADA'",
            "members",
        ),
        (
            "DELETE FROM mailing_groups WHERE tenant_id = $T AND code = 'NEW'",
            "members",
        ),
        (
            "INSERT INTO changes (tenant_id, revision, kind, subject_id, contact_numbers)
                 VALUES ($T, 9999, 5, 0, '{1}')",
            "changes",
        ),
        (
            "DELETE FROM revisions WHERE tenant_id = $T AND revision = 3",
            "changes",
        ),
        (
            "INSERT INTO revisions (tenant_id, revision, commit_time, request_id)
                 VALUES (999, 1, now(), '')",
            "orphans",
        ),
        (
            "INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, revision,
                 create_time, update_time) VALUES (999, 1, 'X', 1, 'x', 'x', 1, now(), now())",
            "orphans",
        ),
    ] {
        let with_triggers = format!("SET session_replication_role = origin; {statements}");
        let url = original.damaged(&with_triggers).await;
        let found = findings(&url, None).await;
        let is_found = found.iter().any(|name| name == expected);
        assert!(is_found, "{statements}: {found:?}");
    }
}
