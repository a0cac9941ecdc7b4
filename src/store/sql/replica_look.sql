-- What a replica shows of tenant $1: whether it still is one, whether it has migration $3, its commit of
-- revision $2, and its present state. 0 is no commit and no state.
SELECT pg_is_in_recovery() AS is_standby,
    EXISTS (SELECT FROM __diesel_schema_migrations WHERE version = $3) AS is_migrated,
    coalesce(
        (SELECT commit_id FROM commits WHERE tenant_id = $1 AND revision = $2 LIMIT 1), 0
    ) AS commit_of_revision,
    coalesce(h.revision, 0) AS revision, coalesce(h.commit_id, 0) AS commit_id
FROM (SELECT) AS always
LEFT JOIN heads h ON h.tenant_id = $1
