-- The contacts deleted after revision $2 of tenant $1. A log that is much longer than 50,000
-- revisions is not worth reading.
--
-- $3 and $4 revisions and ids of commits; those that are not part of the tenant's history are returned.
SELECT $2 >= c.history_start AND c.revision - $2 <= 50000 AS known,
    ARRAY(
        SELECT k.revision FROM unnest(($3), ($4)) AS k (revision, commit_id)
        JOIN clocks h ON h.tenant_id = $1 AND h.history_start <= k.revision
        WHERE NOT EXISTS (
            SELECT FROM commits
            WHERE tenant_id = $1 AND revision = k.revision AND commit_id = k.commit_id
        )
    ) AS replaced,
    l.contact_numbers
FROM clocks c
LEFT JOIN changes l ON l.tenant_id = $1 AND l.revision > $2 AND l.kind = @ContactsDeleted
    AND c.revision - $2 <= 50000
WHERE c.tenant_id = $1
