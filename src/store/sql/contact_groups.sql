-- Pages of the groups of contacts of tenant $1: the groups of each contact of $2 after the code in $3,
-- at most as many as in $4.
SELECT i.page, g.*
FROM unnest((SELECT $2), (SELECT $3), (SELECT $4))
    WITH ORDINALITY AS i (contact_id, after, size, page)
JOIN contacts c ON c.tenant_id = $1 AND c.id = i.contact_id
CROSS JOIN LATERAL (
    SELECT g.*
    FROM memberships m
    JOIN mailing_groups g ON g.tenant_id = m.tenant_id AND g.group_id = m.group_id
    WHERE m.tenant_id = $1 AND m.contact_number = c.contact_number AND g.code > i.after
    ORDER BY g.code LIMIT i.size
) g
ORDER BY i.page, g.code
