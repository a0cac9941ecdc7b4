-- $1 name, $2 request id.
SELECT tenant_id, mailing_group_count, contact_count, membership_count, segment_count
FROM deleted_tenants d
WHERE name = $1 AND (
    request_id = $2 OR EXISTS (SELECT FROM tenants t WHERE t.tenant_id = d.tenant_id)
)
ORDER BY request_id IS NOT DISTINCT FROM $2 DESC, delete_time DESC
LIMIT 1
