-- Tenant $1 with its counts, unless it is being deleted.
SELECT t.name, t.create_time, c.revision, c.max_contacts, c.max_mailing_groups, c.max_segments,
    t.max_streams, t.max_calls_per_second, c.mailing_group_count, c.contact_count,
    (
        SELECT coalesce(sum(company_count + person_count), 0)::bigint
        FROM mailing_groups WHERE tenant_id = $1
    ) AS membership_count,
    (SELECT count(*) FROM segments WHERE tenant_id = $1) AS segment_count
FROM clocks c
JOIN tenants t ON t.tenant_id = c.tenant_id
WHERE c.tenant_id = $1
