-- The stored set of segment $2 of tenant $1, and all merges of the tenant, at one commit.
SELECT c.revision, c.commit_id, s.members, m.merged, m.kept
FROM heads c
LEFT JOIN segments s ON s.tenant_id = c.tenant_id AND s.id = $2
CROSS JOIN (
    SELECT coalesce(array_agg(contact_number), '{}') AS merged,
        coalesce(array_agg(kept_number), '{}') AS kept
    FROM merged_contacts WHERE tenant_id = $1
) m
WHERE c.tenant_id = $1
