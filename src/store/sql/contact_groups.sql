-- Pages of the groups of contacts of tenant $1: the groups of each contact of $2 after the code in $3,
-- at most as many as in $4. A contact without such groups has one row, without a group, and an unknown
-- one none. One that was merged has a row with the id of the contact that replaces it. See `assign.sql` for
-- OFFSET.
SELECT i.page, g.*,
    CASE
        WHEN c.contact_number IS NULL THEN (
            SELECT id FROM contacts WHERE tenant_id = $1 AND contact_number = c.kept_number
        )
    END AS merged_into
FROM unnest((SELECT $2), (SELECT $3), (SELECT $4))
    WITH ORDINALITY AS i (contact_id, after, size, page)
CROSS JOIN LATERAL (
    SELECT contact_number, NULL::int AS kept_number FROM contacts
    WHERE tenant_id = $1 AND id = i.contact_id
    UNION ALL
    SELECT NULL, kept_number FROM merged_contacts
    WHERE tenant_id = $1 AND id = i.contact_id
    LIMIT 1
) c
LEFT JOIN LATERAL (
    SELECT g.*
    FROM memberships m
    CROSS JOIN LATERAL (
        SELECT * FROM mailing_groups WHERE tenant_id = $1 AND group_id = m.group_id OFFSET 0
    ) g
    WHERE m.tenant_id = $1 AND m.contact_number = c.contact_number AND g.code > i.after
    ORDER BY g.code LIMIT i.size
) g ON true
ORDER BY i.page, g.code
