-- What assigning groups to contacts would do. For each item, whether the contact and the group exist,
-- and whether the contact has the group.
--
-- $1 tenant, $2 contact ids, $3 codes.
SELECT c.contact_number IS NOT NULL AS contact_exists, g.group_id IS NOT NULL AS group_exists,
    m.group_id IS NOT NULL AS assigned
FROM unnest($2, $3) WITH ORDINALITY AS i (id, code, ordinal)
LEFT JOIN contacts c ON c.tenant_id = $1 AND c.id = i.id
LEFT JOIN mailing_groups g ON g.tenant_id = $1 AND g.code = i.code
LEFT JOIN memberships m ON m.tenant_id = $1 AND m.group_id = g.group_id
    AND m.contact_number = c.contact_number
ORDER BY i.ordinal
