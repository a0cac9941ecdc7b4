-- Sets attributes of contacts of tenant $1 ($2 contact numbers, $3 keys, $4 values) and removes others
-- ($5 contact numbers, $6 keys). See `assign.sql` for OFFSET and ctid.
WITH
    removed AS (
        DELETE FROM contact_attributes a
        USING (
            SELECT l.location FROM unnest((SELECT $5), (SELECT $6)) AS i (contact_number, key)
            CROSS JOIN LATERAL (
                SELECT ctid AS location FROM contact_attributes
                WHERE tenant_id = $1 AND contact_number = i.contact_number AND key = i.key
                OFFSET 0
            ) l
        ) i
        WHERE a.ctid = i.location
    )
INSERT INTO contact_attributes (tenant_id, contact_number, key, value)
SELECT $1, contact_number, key, value
FROM unnest((SELECT $2), (SELECT $3), (SELECT $4)) AS i (contact_number, key, value)
ON CONFLICT (tenant_id, contact_number, key) DO UPDATE SET value = excluded.value
