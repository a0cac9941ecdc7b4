-- The first serial from $2 on, of the next thousand, whose id in the series SM000001, … is free in
-- tenant $1.
SELECT s.serial
FROM generate_series($2, $2 + 999) AS s (serial)
WHERE NOT EXISTS (
    SELECT FROM segments m
    WHERE m.tenant_id = $1
        AND m.id = 'SM' || lpad(s.serial::text, greatest(6, length(s.serial::text)), '0')
)
ORDER BY s.serial LIMIT 1
