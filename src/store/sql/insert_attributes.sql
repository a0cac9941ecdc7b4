-- Sets attributes of contacts of tenant $1: $2 contact numbers, $3 keys, $4 values. See
-- `insert_contacts.sql` for clocks.
INSERT INTO contact_attributes (tenant_id, contact_number, key, value)
SELECT c.tenant_id, i.contact_number, i.key, i.value
FROM clocks c
CROSS JOIN unnest((SELECT $2), (SELECT $3), (SELECT $4)) AS i (contact_number, key, value)
WHERE c.tenant_id = $1
ON CONFLICT (tenant_id, contact_number, key) DO UPDATE SET value = excluded.value
