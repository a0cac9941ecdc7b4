DROP VIEW present_tenants;
DROP INDEX tenants_rates_idx;
ALTER TABLE clocks DROP COLUMN max_segments;
ALTER TABLE tenants
    DROP COLUMN max_streams,
    DROP COLUMN max_calls_per_second;

CREATE VIEW present_tenants AS
SELECT t.tenant_id, t.name, t.create_time, c.revision, c.max_contacts, c.max_mailing_groups,
    c.mailing_group_count, c.contact_count,
    (
        SELECT coalesce(sum(g.company_count + g.person_count), 0)::bigint
        FROM mailing_groups g WHERE g.tenant_id = t.tenant_id
    ) AS membership_count,
    (SELECT count(*) FROM segments s WHERE s.tenant_id = t.tenant_id) AS segment_count
FROM tenants t
JOIN clocks c ON c.tenant_id = t.tenant_id;
