-- Revisions of tenant $1 after $2 and before $3 with changes that match, newest first, at most $4.
--
-- Changes match if they are about one of the contacts $5, in kinds $6, unless $7, and about a group that
-- has or had the code $8, in kinds $9, unless it is blank. At most $10 changes of each revision come, in
-- arrays, each with the ids of up to $11 contacts that still exist, separated by commas. OFFSET 0 makes
-- it look up each contact by its whole key, whatever the statistics are.
SELECT r.revision, r.commit_time, r.request_id, r.actors, l.*
FROM (
    SELECT * FROM revisions
    WHERE tenant_id = $1 AND revision > $2 AND revision < $3
    ORDER BY revision DESC
) r
CROSS JOIN LATERAL (
    SELECT max(total) AS change_count, array_agg(kind) AS kinds, array_agg(code) AS codes,
        array_agg(former_code) AS former_codes,
        array_agg(coalesce(cardinality(contact_numbers), 0)) AS contact_counts,
        array_agg(coalesce(array_to_string(contact_ids[1 : $11], ','), (
            SELECT string_agg(k.id, ',' ORDER BY n.number)
            FROM unnest(contact_numbers[1 : $11]) AS n (number)
            CROSS JOIN LATERAL (
                SELECT id FROM contacts WHERE tenant_id = $1 AND contact_number = n.number OFFSET 0
            ) k
        ), '')) AS contact_ids
    FROM (
        SELECT c.*, count(*) OVER () AS total FROM changes c
        WHERE c.tenant_id = $1 AND c.revision = r.revision
            AND ($7 OR c.kind = ANY ($6) AND c.contact_numbers && $5)
            AND ($8 = '' OR c.kind = ANY ($9) AND (c.code = $8 OR c.former_code = $8
                OR c.subject_id IN (
                    SELECT group_id FROM mailing_groups WHERE tenant_id = $1 AND code = $8
                    UNION ALL SELECT group_id FROM former_codes WHERE tenant_id = $1 AND code = $8
                )))
        ORDER BY c.kind, c.subject_id LIMIT $10
    ) matching
    HAVING count(*) > 0
) l
ORDER BY r.revision DESC LIMIT $4
