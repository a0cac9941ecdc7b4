-- Invariants of the tenant $1, whether it is being deleted or not.

-- check tenant-clock: A tenant has a row in clocks, unless it is being deleted.
SELECT CASE
    WHEN t.deleting THEN 'is being deleted, but has a row in clocks'
    ELSE 'has no row in clocks'
END AS found
FROM tenants t LEFT JOIN clocks c ON c.tenant_id = t.tenant_id
WHERE t.tenant_id = $1 AND t.deleting = (c.tenant_id IS NOT NULL)

-- check tenant-deletion: What a tenant had that is being deleted is on record.
SELECT 'is being deleted, but has no row in deleted_tenants' AS found
FROM tenants t
WHERE t.tenant_id = $1 AND t.deleting
    AND NOT EXISTS (SELECT FROM deleted_tenants d WHERE d.tenant_id = t.tenant_id)
