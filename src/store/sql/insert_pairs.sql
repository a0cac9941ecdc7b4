-- Assigns groups to contacts, which `assign.sql` counts.
--
-- $1 tenant, $2 groups, $3 contact numbers, $4 time, $5 revision. In the order of the key, which keeps the
-- index cached. See `insert_contacts.sql` for clocks.
INSERT INTO memberships (tenant_id, group_id, contact_number, revision, create_time)
SELECT c.tenant_id, i.group_id, i.contact_number, $5, $4
FROM clocks c
CROSS JOIN unnest((SELECT $2), (SELECT $3)) AS i (group_id, contact_number)
WHERE c.tenant_id = $1
ORDER BY i.group_id, i.contact_number
