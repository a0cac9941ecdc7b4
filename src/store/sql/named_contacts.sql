-- The contacts of tenant $1 that the ids in $2 name: each that has one, or that replaces the merged
-- contact that had it. See `assign.sql` for OFFSET.
SELECT i.id AS requested, c.*
FROM unnest((SELECT $2)) AS i (id)
CROSS JOIN LATERAL (
    SELECT contact_number FROM contacts WHERE tenant_id = $1 AND id = i.id
    UNION ALL
    SELECT kept_number FROM merged_contacts WHERE tenant_id = $1 AND id = i.id
    LIMIT 1
) n
CROSS JOIN LATERAL (
    SELECT * FROM contacts WHERE tenant_id = $1 AND contact_number = n.contact_number OFFSET 0
) c
