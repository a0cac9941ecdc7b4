-- The first $3 keys after $2 of attributes that contacts of tenant $1 have, with the numbers of contacts. See
-- `attribute_values.sql`.
WITH RECURSIVE
    found (text, position) AS (
        (SELECT key, 1::bigint FROM contact_attributes
         WHERE tenant_id = $1 AND key > $2 ORDER BY key LIMIT 1)
        UNION ALL
        SELECT n.key, f.position + 1 FROM found f
        CROSS JOIN LATERAL (
            SELECT key FROM contact_attributes
            WHERE tenant_id = $1 AND key > f.text ORDER BY key LIMIT 1
        ) n
        WHERE f.position < $3
    )
SELECT f.text, n.contact_count FROM found f
CROSS JOIN LATERAL (
    SELECT count(*) AS contact_count FROM contact_attributes
    WHERE tenant_id = $1 AND key = f.text OFFSET 0
) n
ORDER BY f.position
