-- Assigns one group to contacts that do not have it, and which `count_members.sql` counts.
--
-- $1 tenant, $2 group, $3 contact numbers, $4 revision, $5 time. See `assign.sql` for OFFSET.
INSERT INTO memberships (tenant_id, group_id, contact_number, revision, create_time)
SELECT c.tenant_id, $2, c.contact_number, $4, $5
FROM unnest($3) AS i (contact_number)
CROSS JOIN LATERAL (
    SELECT tenant_id, contact_number FROM contacts
    WHERE tenant_id = $1 AND contact_number = i.contact_number
    OFFSET 0
) c
ORDER BY c.contact_number
