-- Invariants of the whole database. See src/store/check/statements.rs for the form of this file.

-- check orphans: Each row belongs to a tenant that exists.
SELECT format('%s: rows of the unknown tenant id %s', r.name, r.tenant_id) AS found
FROM (
    SELECT DISTINCT 'clocks' AS name, tenant_id FROM clocks
    UNION ALL SELECT DISTINCT 'contacts', tenant_id FROM contacts
    UNION ALL SELECT DISTINCT 'contact_attributes', tenant_id FROM contact_attributes
    UNION ALL SELECT DISTINCT 'merged_contacts', tenant_id FROM merged_contacts
    UNION ALL SELECT DISTINCT 'mailing_groups', tenant_id FROM mailing_groups
    UNION ALL SELECT DISTINCT 'former_codes', tenant_id FROM former_codes
    UNION ALL SELECT DISTINCT 'memberships', tenant_id FROM memberships
    UNION ALL SELECT DISTINCT 'revisions', tenant_id FROM revisions
    UNION ALL SELECT DISTINCT 'changes', tenant_id FROM changes
    UNION ALL SELECT DISTINCT 'segments', tenant_id FROM segments
    UNION ALL SELECT DISTINCT 'segment_actions', tenant_id FROM segment_actions
    UNION ALL SELECT DISTINCT 'saved_criteria', tenant_id FROM saved_criteria
    UNION ALL SELECT DISTINCT 'saved_criteria_actions', tenant_id FROM saved_criteria_actions
    UNION ALL SELECT DISTINCT 'requests', tenant_id FROM requests
    UNION ALL SELECT DISTINCT 'imports', tenant_id FROM imports
    UNION ALL SELECT DISTINCT 'import_rejections', tenant_id FROM import_rejections
) r
WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.tenant_id = r.tenant_id)

-- check enforcement: PostgreSQL enforces all constraints: none is unvalidated, no index invalid, no trigger off.
WITH own AS (
    SELECT c.oid, c.relname FROM pg_class c
    WHERE c.relkind = 'r'
        AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('tenants'))
        AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant_id')
)
SELECT format('%s: the constraint %s is not validated', o.relname, c.conname) AS found
FROM own o JOIN pg_constraint c ON c.conrelid = o.oid
WHERE NOT c.convalidated
UNION ALL
SELECT format('%s: the index %s is not valid', o.relname, i.indexrelid::regclass)
FROM own o JOIN pg_index i ON i.indrelid = o.oid
WHERE NOT (i.indisvalid AND i.indisready)
UNION ALL
SELECT format('%s: the trigger %s is switched off', o.relname, t.tgname)
FROM own o JOIN pg_trigger t ON t.tgrelid = o.oid
WHERE t.tgenabled <> 'O'
