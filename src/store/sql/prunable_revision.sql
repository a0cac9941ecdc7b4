-- The last revision of tenant $1 that is older than $2, of the oldest thousand.
SELECT coalesce(min(r.revision) FILTER (WHERE r.commit_time >= $2) - 1, max(r.revision)) AS last
FROM (
    SELECT r.revision, r.commit_time
    FROM revisions r, clocks c
    WHERE c.tenant_id = $1 AND r.tenant_id = $1 AND r.revision > c.history_start
    ORDER BY r.revision LIMIT 1000
) r
