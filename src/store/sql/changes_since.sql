-- The log of tenant $1 after revision $2, as far as it affects cached sets.
--
-- $3 maximum distance in revisions; kinds of changes that count: $4 for any subject, $5 for the groups
-- $6, $7 for the segments $8; $9 maximum number of entries; $11 and $12 revisions and ids of commits:
-- those that are not part of the tenant's history are returned. For contacts created or changed it
-- returns their present state: number, company's number (a company is its own) and two flags, in 31,
-- 31, 1 and 1 bits; those of them that have one of the e-mail addresses $10 now, with the address; and their
-- attributes of the keys $13, unless the contact numbers up to the entry take more than $14 bytes.
-- OFFSET 0 makes it look up each contact by its whole key, whatever the statistics are.
SELECT c.revision AS current, c.commit_id, c.revision - $2 <= $3 AND $2 >= c.history_start AS known,
    ARRAY(
        SELECT k.revision FROM unnest(($11), ($12)) AS k (revision, commit_id)
        JOIN clocks h ON h.tenant_id = $1 AND h.history_start <= k.revision
        WHERE NOT EXISTS (
            SELECT FROM commits
            WHERE tenant_id = $1 AND revision = k.revision AND commit_id = k.commit_id
        )
    ) AS replaced,
    coalesce(l.total, 0) AS total, l.revision, l.kind, l.subject_id, l.code, l.former_code,
    l.contact_numbers,
    CASE WHEN l.kind IN (@ContactsCreated, @ContactsUpdated) THEN ARRAY(
        SELECT (contact.contact_number::bigint << 33)
            | (coalesce(company.contact_number, 0)::bigint << 2)
            | CASE WHEN contact.exclude_from_segments THEN 2 ELSE 0 END
            | CASE WHEN contact.privacy_blocked THEN 1 ELSE 0 END
        FROM unnest(l.contact_numbers) AS n (contact_number)
        CROSS JOIN LATERAL (
            SELECT * FROM contacts
            WHERE tenant_id = $1 AND contact_number = n.contact_number OFFSET 0
        ) contact
        LEFT JOIN LATERAL (
            SELECT contact_number, kind FROM contacts
            WHERE tenant_id = $1 AND id =
                CASE WHEN contact.kind = @Company THEN contact.id ELSE contact.company_id END
            OFFSET 0
        ) company ON company.kind = @Company
    ) END AS states,
    m.email_numbers, m.emails,
    coalesce(l.kind NOT IN (@ContactsCreated, @ContactsUpdated) OR l.volume <= $14, true)
        AS has_attributes,
    a.attribute_numbers, a.attribute_keys, a.attribute_values
FROM heads c
LEFT JOIN LATERAL (
    SELECT ch.*, count(*) OVER () AS total,
        sum(pg_column_size(ch.contact_numbers))
            OVER (ORDER BY ch.revision, ch.kind, ch.subject_id) AS volume
    FROM changes ch
    WHERE ch.tenant_id = $1 AND ch.revision > $2 AND c.revision - $2 <= $3
        AND (kind = ANY ($4)
            OR (kind = ANY ($5) AND subject_id = ANY ($6))
            OR (kind = ANY ($7) AND code = ANY ($8)))
    ORDER BY ch.revision, ch.kind, ch.subject_id LIMIT $9
) l ON coalesce(l.volume, 0) <= 8000000
LEFT JOIN LATERAL (
    SELECT array_agg(contact.contact_number) AS email_numbers,
        array_agg(lower(email COLLATE "C")) AS emails
    FROM unnest(l.contact_numbers) AS n (contact_number)
    CROSS JOIN LATERAL (
        SELECT * FROM contacts
        WHERE tenant_id = $1 AND contact_number = n.contact_number OFFSET 0
    ) contact
    WHERE $10 <> '{}' AND l.kind IN (@ContactsCreated, @ContactsUpdated)
        AND email <> '' AND lower(email COLLATE "C") = ANY ($10)
) m ON true
LEFT JOIN LATERAL (
    SELECT array_agg(contact.contact_number) AS attribute_numbers,
        array_agg(k.key) AS attribute_keys, array_agg(attributes ->> k.key) AS attribute_values
    FROM unnest(l.contact_numbers) AS n (contact_number)
    CROSS JOIN LATERAL (
        SELECT contact_number, attributes FROM contacts
        WHERE tenant_id = $1 AND contact_number = n.contact_number OFFSET 0
    ) contact
    CROSS JOIN unnest($13) AS k (key)
    WHERE $13 <> '{}' AND l.kind IN (@ContactsCreated, @ContactsUpdated) AND l.volume <= $14
        AND attributes ? k.key
) a ON true
WHERE c.tenant_id = $1 ORDER BY l.revision, l.kind, l.subject_id
