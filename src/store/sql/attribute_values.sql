-- The first $4 values after $3 that contacts of tenant $1 have for the attribute $2, with the numbers of
-- contacts. Each value is looked up after the one before it, so that only the contacts of the page are counted.
WITH RECURSIVE
    found (text, position) AS (
        (SELECT value, 1::bigint FROM contact_attributes
         WHERE tenant_id = $1 AND key = $2 AND value > $3 ORDER BY value LIMIT 1)
        UNION ALL
        SELECT n.value, f.position + 1 FROM found f
        CROSS JOIN LATERAL (
            SELECT value FROM contact_attributes
            WHERE tenant_id = $1 AND key = $2 AND value > f.text ORDER BY value LIMIT 1
        ) n
        WHERE f.position < $4
    )
SELECT f.text, n.contact_count FROM found f
CROSS JOIN LATERAL (
    SELECT count(*) AS contact_count FROM contact_attributes
    WHERE tenant_id = $1 AND key = $2 AND value = f.text OFFSET 0
) n
ORDER BY f.position
