-- Marks a tenant, and removes its row in clocks, which the transaction has locked: all writes need it.
-- Keeps what the tenant had.
--
-- $1 tenant, $2 request id.
WITH
    marked AS (UPDATE tenants SET deleting = true WHERE tenant_id = $1),
    closed AS (DELETE FROM clocks WHERE tenant_id = $1)
INSERT INTO deleted_tenants (tenant_id, name, request_id, mailing_group_count, contact_count,
    membership_count, segment_count, delete_time)
SELECT tenant_id, name, $2, mailing_group_count, contact_count, membership_count, segment_count, now()
FROM present_tenants WHERE tenant_id = $1
RETURNING tenant_id, mailing_group_count, contact_count, membership_count, segment_count
