-- Which memberships revision $5 of tenant $1 added or removed.
--
-- $2 contact ids, $3 codes, $4 time of the revision, $6 and $7 the pairs: for each the position of its
-- contact in $2 and of its code in $3, from 1. See `assign.sql` for OFFSET, and for `current`.
SELECT c.contact_number, g.group_id,
    EXISTS (
        SELECT FROM changes ch
        WHERE ch.tenant_id = $1 AND ch.revision = $5
            AND ch.kind IN (@MembersAdded, @MembersRemoved) AND ch.subject_id = g.group_id
            AND c.contact_number = ANY (ch.contact_numbers)
    ) AS changed,
    m.revision, coalesce(m.create_time, $4) AS create_time, $5 AS next_revision,
    CASE
        WHEN c.contact_number IS NULL THEN (
            SELECT id FROM contacts WHERE tenant_id = $1 AND contact_number = (
                SELECT kept_number FROM merged_contacts
                WHERE tenant_id = $1 AND id = (SELECT ($2)[i.contact])
            )
        )
        WHEN g.group_id IS NULL THEN (
            SELECT code FROM mailing_groups WHERE tenant_id = $1 AND group_id = (
                SELECT group_id FROM former_codes
                WHERE tenant_id = $1 AND code = (SELECT ($3)[i.code])
            )
        )
    END AS current
FROM unnest(($6), ($7)) WITH ORDINALITY AS i (contact, code, ordinal)
LEFT JOIN LATERAL (
    SELECT contact_number FROM contacts WHERE tenant_id = $1 AND id = (SELECT ($2)[i.contact])
    OFFSET 0
) c ON true
LEFT JOIN LATERAL (
    SELECT group_id FROM mailing_groups WHERE tenant_id = $1 AND code = (SELECT ($3)[i.code])
    OFFSET 0
) g ON true
LEFT JOIN LATERAL (
    SELECT revision, create_time FROM memberships
    WHERE tenant_id = $1 AND group_id = g.group_id AND contact_number = c.contact_number
    OFFSET 0
) m ON true
ORDER BY i.ordinal
