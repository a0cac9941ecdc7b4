-- The groups of tenant $1 that the codes in $2 name: each that has one, or had it before it was renamed.
-- See `assign.sql` for OFFSET.
SELECT i.code AS requested, g.*
FROM unnest((SELECT $2)) AS i (code)
CROSS JOIN LATERAL (
    SELECT group_id FROM mailing_groups WHERE tenant_id = $1 AND code = i.code
    UNION ALL
    SELECT group_id FROM former_codes WHERE tenant_id = $1 AND code = i.code
    LIMIT 1
) n
CROSS JOIN LATERAL (
    SELECT * FROM mailing_groups WHERE tenant_id = $1 AND group_id = n.group_id OFFSET 0
) g
