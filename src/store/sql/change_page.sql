-- A page of the log of tenant $1, from the entry with the key ($2 revision, $3 kind, $4 subject) on, of
-- whose contacts $5 were read before.
--
-- $6 maximum number of contacts of one entry, $7 kinds of changes, $8 codes of groups (none: all),
-- $9 maximum number of entries, $10 bytes of contact numbers after which the page ends, $11 maximum
-- number of revisions, $12 the kinds that name a group; $13 and $14 the revision and id of the commit
-- that was read last: `replaced` says that it is not part of the tenant's history. `last_id` is the id
-- of the last commit that the page covers if it is complete.
SELECT c.revision AS current, c.history_start AS oldest,
    $13 >= c.history_start AND NOT EXISTS (
        SELECT FROM commits WHERE tenant_id = $1 AND revision = $13 AND commit_id = $14
    ) AS replaced,
    coalesce((
        SELECT k.commit_id FROM clocks h
        JOIN commits k ON k.tenant_id = $1 AND k.revision = least(h.revision, $2 + $11 - 1)
        WHERE h.tenant_id = $1
    ), 0) AS last_id,
    l.revision, l.kind, l.subject_id, l.code,
    l.former_code,
    CASE WHEN within THEN l.contact_numbers[skip + 1 : skip + $6] END AS contact_numbers,
    CASE WHEN within THEN l.contact_ids[skip + 1 : skip + $6] END AS contact_ids,
    CASE WHEN within THEN
        greatest(coalesce(cardinality(l.contact_numbers), 0) - skip - $6, 0)
    ELSE 0 END AS left,
    within, r.commit_time, r.request_id, r.actors, r.commit_id
FROM clocks c
LEFT JOIN ((
    SELECT s.*, coalesce(s.before, 0) < $10 AS within,
        CASE WHEN (s.revision, s.kind, s.subject_id) = ($2, $3, $4) THEN $5 ELSE 0 END AS skip
    FROM (
        SELECT ch.*, sum(pg_column_size(ch.contact_numbers)) OVER w AS before,
            lag(pg_column_size(ch.contact_numbers)) OVER w AS previous
        FROM changes ch
        WHERE ch.tenant_id = $1 AND (ch.revision, ch.kind, ch.subject_id) >= ($2, $3, $4)
            AND ch.revision < $2 + $11 AND ch.kind = ANY ($7)
            AND (cardinality($8) = 0 OR ch.kind <> ALL ($12) OR ch.code = ANY ($8)
                OR ch.former_code = ANY ($8))
        WINDOW w AS (ORDER BY ch.revision, ch.kind, ch.subject_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ORDER BY ch.revision, ch.kind, ch.subject_id LIMIT $9
    ) s
    WHERE coalesce(s.before, 0) - coalesce(s.previous, 0) < $10
) l
JOIN revisions r ON r.tenant_id = $1 AND r.revision = l.revision) ON true
WHERE c.tenant_id = $1 ORDER BY l.revision, l.kind, l.subject_id
