-- Removes attributes of contacts of tenant $1: $2 contact numbers, $3 keys. See `assign.sql` for OFFSET and
-- ctid.
DELETE FROM contact_attributes a
USING (
    SELECT l.location FROM unnest((SELECT $2), (SELECT $3)) AS i (contact_number, key)
    CROSS JOIN LATERAL (
        SELECT ctid AS location FROM contact_attributes
        WHERE tenant_id = $1 AND contact_number = i.contact_number AND key = i.key
        OFFSET 0
    ) l
) i
WHERE a.ctid = i.location AND a.tenant_id = $1::float8
