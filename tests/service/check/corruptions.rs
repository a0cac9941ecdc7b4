//! Each damage is found by its check, and by no check that it does not concern.

use roaring::RoaringBitmap;

use super::damage::Original;
use crate::support::findings;

/// Statements, and the checks that find what they did.
type Damage = (&'static str, &'static [&'static str]);

async fn assert_found(damages: &[Damage]) {
    let original = Original::create().await;
    let mut wrong = Vec::new();
    for (statements, expected) in damages {
        let url = original.damaged(&with_sets(statements)).await;
        let mut found = findings(&url, None).await;
        found.sort();
        if found != *expected {
            wrong.push(format!("{statements}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Replaces `$EMPTY` and `$ALIEN` by sets: without numbers, and with one that no contact has had.
fn with_sets(statements: &str) -> String {
    let literal = |numbers: &[u32]| {
        let (set, mut bytes) = (numbers.iter().collect::<RoaringBitmap>(), Vec::new());
        set.serialize_into(&mut bytes).unwrap();
        let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
        format!(r"'\x{}'::bytea", hex.collect::<String>())
    };
    let statements = statements.replace("$EMPTY", &literal(&[]));
    statements.replace("$ALIEN", &literal(&[4_000_000]))
}

#[tokio::test]
async fn wrong_counters_and_references_are_found() {
    assert_found(&[
        ("SELECT 1", &[]),
        (
            "UPDATE clocks SET contact_count = contact_count + 1 WHERE tenant_id = $T",
            &["tenant-counts"],
        ),
        (
            "UPDATE mailing_groups SET company_count = company_count + 1 WHERE code = 'MOVE'",
            &["group-counts"],
        ),
        (
            "UPDATE contacts SET mailing_group_count = 9 WHERE id = 'A'",
            &["contact-counts"],
        ),
        (
            "UPDATE clocks SET next_contact_number = 2 WHERE tenant_id = $T",
            &["next-numbers", "request-numbers"],
        ),
        (
            "UPDATE clocks SET next_group_id = 2, next_criteria_number = 1 WHERE tenant_id = $T",
            &["next-numbers", "request-numbers"],
        ),
        ("UPDATE imports SET revision = 9999", &["latest-revisions"]),
        (
            "UPDATE contacts SET company_id = 'NOBODY' WHERE id = 'ADA'",
            &["companies"],
        ),
        (
            "UPDATE contacts SET kind = 2 WHERE id = 'A'",
            &["companies", "group-counts"],
        ),
        (
            "DELETE FROM contact_attributes WHERE key = 'city'",
            &["contact-attributes"],
        ),
        (
            "UPDATE contact_attributes SET value = 'DE' WHERE key = 'territory'",
            &["contact-attributes"],
        ),
        (
            "UPDATE contacts SET attributes = attributes - 'city' WHERE id = 'ADA'",
            &["contact-attributes"],
        ),
        (
            r#"UPDATE contacts SET attributes = attributes || '{"city": " Paris"}' WHERE id = 'ADA';
             UPDATE contact_attributes SET value = ' Paris' WHERE key = 'city'"#,
            &["attribute-texts"],
        ),
        (
            "UPDATE merged_contacts SET id = 'A' WHERE id = 'X'",
            &["merged-contacts"],
        ),
        (
            "UPDATE merged_contacts SET kept_number = 999",
            &["merged-contacts"],
        ),
        (
            "UPDATE former_codes SET code = 'MOVE' WHERE tenant_id = $T AND code = 'OLD'",
            &["former-codes"],
        ),
        ("UPDATE former_codes SET group_id = 999", &["former-codes"]),
        (
            "DELETE FROM mailing_groups WHERE code = 'MOVE'",
            &["definitions", "members", "tenant-counts"],
        ),
        (
            "DELETE FROM contacts WHERE id = 'ADA'",
            &[
                "contact-attributes",
                "contact-history",
                "group-counts",
                "members",
                "stored-sets",
                "tenant-counts",
            ],
        ),
        ("DELETE FROM clocks WHERE tenant_id = $T", &["tenant-clock"]),
        ("DELETE FROM deleted_tenants", &["tenant-deletion"]),
        ("DELETE FROM tenants WHERE tenant_id = $T", &["orphans"]),
        (
            "ALTER TABLE former_codes DISABLE TRIGGER ALL",
            &["enforcement"],
        ),
        (
            "ALTER TABLE contacts ADD CONSTRAINT x CHECK (kind > 0) NOT VALID",
            &["enforcement"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_log_that_does_not_agree_is_found() {
    assert_found(&[
        (
            "DELETE FROM revisions WHERE tenant_id = $T AND revision = 3",
            &["changes", "revisions"],
        ),
        (
            "UPDATE clocks SET revision = revision + 1 WHERE tenant_id = $T",
            &["revisions"],
        ),
        (
            "UPDATE clocks SET revision = revision - 1 WHERE tenant_id = $T",
            &["revisions"],
        ),
        (
            "UPDATE revisions SET commit_id = 0 WHERE tenant_id = $T AND revision = 5",
            &["commit-ids"],
        ),
        (
            "UPDATE revisions SET commit_id = 7 WHERE tenant_id = $T AND revision IN (5, 9)",
            &["commit-ids"],
        ),
        (
            // The update of a description, before a rename.
            "DELETE FROM changes WHERE kind = 3 AND code = 'TOLD'",
            &["changes"],
        ),
        (
            "UPDATE changes SET contact_numbers = '{}' WHERE (tenant_id, revision, kind) = ($T,
                 (SELECT min(revision) FROM changes WHERE tenant_id = $T AND kind = 5), 5)",
            &["change-entries"],
        ),
        (
            "UPDATE changes SET former_code = 'X' WHERE former_code = 'OLD'",
            &["group-history"],
        ),
        (
            "UPDATE mailing_groups SET revision = revision - 1 WHERE code = 'NEW'",
            &["definitions"],
        ),
        ("UPDATE segments SET id = 'OTHER'", &["definitions"]),
        (
            "DELETE FROM saved_criteria_actions WHERE criteria_number IN (
                 SELECT criteria_number FROM saved_criteria WHERE code = 'LATER');
             DELETE FROM saved_criteria WHERE code = 'LATER'",
            &["definitions"],
        ),
        (
            "UPDATE contacts SET revision = revision - 1 WHERE id = 'ADA'",
            &["contact-history"],
        ),
        (
            "UPDATE memberships SET revision = revision - 1 WHERE tenant_id = $T",
            &["member-history"],
        ),
        (
            "DELETE FROM memberships WHERE contact_number IN (
                 SELECT contact_number FROM contacts WHERE id = 'ADA')",
            &["contact-counts", "group-counts", "member-history"],
        ),
        (
            // With all counters, as if by a write that is not logged.
            "INSERT INTO memberships SELECT $T, group_id, contact_number, c.revision, now()
                 FROM mailing_groups g, contacts c
                 WHERE g.tenant_id = $T AND c.tenant_id = $T AND code = 'MOVE' AND id = 'ADA';
             UPDATE contacts SET mailing_group_count = mailing_group_count + 1 WHERE id = 'ADA';
             UPDATE mailing_groups SET person_count = person_count + 1 WHERE code = 'MOVE'",
            &["member-history"],
        ),
        (
            "UPDATE clocks SET history_start = 10 WHERE tenant_id = $T;
             DELETE FROM revisions WHERE tenant_id = $T AND revision <= 10",
            &["changes"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn damaged_sets_texts_and_records_are_found() {
    assert_found(&[
        (
            "UPDATE segments SET action_count = action_count + 1",
            &["segment-actions"],
        ),
        (
            "DELETE FROM segment_actions WHERE action_number = 1",
            &["segment-actions", "segment-members"],
        ),
        (
            "UPDATE segment_actions SET revision = (
                 SELECT revision FROM clocks WHERE tenant_id = $T) WHERE action_number = 1",
            &["action-revisions"],
        ),
        (
            "DELETE FROM saved_criteria_actions WHERE action_number = 1",
            &["saved-actions"],
        ),
        (r"UPDATE segments SET members = '\x00'", &["stored-sets"]),
        (
            "UPDATE segment_actions SET contacts = $ALIEN WHERE contacts IS NOT NULL",
            &["stored-sets"],
        ),
        (
            "UPDATE saved_criteria_actions SET contacts = $ALIEN WHERE contacts IS NOT NULL",
            &["stored-sets"],
        ),
        ("UPDATE segments SET members = $EMPTY", &["segment-members"]),
        (
            "UPDATE segment_actions SET added_count = added_count + 1 WHERE action_number = 1",
            &["action-counts"],
        ),
        (
            "UPDATE segment_actions SET changed = NULL WHERE action_number = 2",
            &["undoable-actions"],
        ),
        (
            "UPDATE segment_actions SET expression = '((' WHERE expression IS NOT NULL",
            &["expressions"],
        ),
        ("UPDATE requests SET answer = '{}'", &["requests"]),
        (
            "UPDATE requests SET answer = jsonb_set(answer, '{revision}', '9999')",
            &["requests"],
        ),
        (
            "UPDATE requests SET answer = jsonb_set(answer, '{record, group_id}', '999')
                 WHERE answer -> 'record' ? 'group_id'",
            &["request-numbers"],
        ),
        (
            r#"UPDATE requests SET answer = jsonb_set(answer, '{record, name}', '"Ada"')
                 WHERE answer -> 'record' ? 'contact_number'"#,
            &["request-content"],
        ),
        (
            "UPDATE import_rejections SET item_index = 99",
            &["import-rejections"],
        ),
        (
            "UPDATE import_rejections SET import_id = 'unknown'",
            &["import-rejections"],
        ),
        (
            "UPDATE import_rejections SET rejection = '{}'",
            &["rejections"],
        ),
        (
            "UPDATE contacts SET search_name = 'x' WHERE id = 'ADA'",
            &["contact-names"],
        ),
        (
            "UPDATE contacts SET name = ' ' || name WHERE id = 'A'",
            &["contact-names"],
        ),
        (
            "UPDATE contacts SET email = 'ada' WHERE id = 'ADA'",
            &["contact-emails"],
        ),
        (
            "UPDATE former_codes SET code = 'é' WHERE tenant_id = $T AND code = 'OLD'",
            &["group-codes"],
        ),
        (
            "UPDATE mailing_groups SET code = 'éTÉ' WHERE code = 'ÉTÉ'",
            &["definitions", "group-codes"],
        ),
    ])
    .await;
}
