-- Which memberships revision $5 of tenant $1 added or removed.
--
-- $2 contact ids, $3 codes, $4 time of the revision, $6 and $7 the pairs: for each the position of its
-- contact in $2 and of its code in $3, from 1.
SELECT c.contact_number, g.group_id,
    EXISTS (
        SELECT FROM changes ch
        WHERE ch.tenant_id = $1 AND ch.revision = $5
            AND ch.kind IN (@MembersAdded, @MembersRemoved) AND ch.subject_id = g.group_id
            AND c.contact_number = ANY (ch.contact_numbers)
    ) AS changed,
    m.revision, coalesce(m.create_time, $4) AS create_time, $5 AS next_revision
FROM unnest(($6), ($7)) WITH ORDINALITY AS i (contact, code, ordinal)
LEFT JOIN contacts c ON c.tenant_id = $1 AND c.id = (SELECT ($2)[i.contact])
LEFT JOIN mailing_groups g ON g.tenant_id = $1 AND g.code = (SELECT ($3)[i.code])
LEFT JOIN memberships m ON m.tenant_id = $1 AND m.group_id = g.group_id
    AND m.contact_number = c.contact_number
ORDER BY i.ordinal
