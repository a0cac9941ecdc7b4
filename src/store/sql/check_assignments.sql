-- What assigning groups to contacts would do. For each item, whether the contact and the group exist,
-- whether the contact has the group, and the present name of what was named by a former one.
--
-- $1 tenant, $2 contact ids, $3 codes. See `assign.sql` for OFFSET.
SELECT c.contact_number IS NOT NULL AS contact_exists, g.group_id IS NOT NULL AS group_exists,
    m.group_id IS NOT NULL AS assigned,
    CASE
        WHEN c.contact_number IS NULL THEN (
            SELECT id FROM contacts WHERE tenant_id = $1 AND contact_number = (
                SELECT kept_number FROM merged_contacts WHERE tenant_id = $1 AND id = i.id
            )
        )
        WHEN g.group_id IS NULL THEN (
            SELECT code FROM mailing_groups WHERE tenant_id = $1 AND group_id = (
                SELECT group_id FROM former_codes WHERE tenant_id = $1 AND code = i.code
            )
        )
    END AS current
FROM unnest($2, $3) WITH ORDINALITY AS i (id, code, ordinal)
LEFT JOIN LATERAL (
    SELECT contact_number FROM contacts WHERE tenant_id = $1 AND id = i.id OFFSET 0
) c ON true
LEFT JOIN LATERAL (
    SELECT group_id FROM mailing_groups WHERE tenant_id = $1 AND code = i.code OFFSET 0
) g ON true
LEFT JOIN LATERAL (
    SELECT group_id FROM memberships
    WHERE tenant_id = $1 AND group_id = g.group_id AND contact_number = c.contact_number
    OFFSET 0
) m ON true
ORDER BY i.ordinal
