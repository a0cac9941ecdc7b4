-- The first serials from $2 to $3 whose ids in the series CT000001, … are free in tenant $1, and are
-- no ids of merged contacts; at most $4 of them.
SELECT s.serial
FROM generate_series($2, $3) AS s (serial)
WHERE NOT EXISTS (
    SELECT FROM contacts c
    WHERE c.tenant_id = $1
        AND c.id = 'CT' || lpad(s.serial::text, greatest(6, length(s.serial::text)), '0')
) AND NOT EXISTS (
    SELECT FROM merged_contacts m
    WHERE m.tenant_id = $1
        AND m.id = 'CT' || lpad(s.serial::text, greatest(6, length(s.serial::text)), '0')
)
ORDER BY s.serial LIMIT $4
