-- Tenants by name, after $3, whose names are from $1 to before $2, and in $5 unless that is NULL; at most as
-- many as $4. The groups of each are summed up, so they are fewer if they have many groups: those after the
-- first $6 groups are left out. `found` counts them too. See `tenant.sql` for one tenant.
WITH named AS MATERIALIZED (
    SELECT t.tenant_id,
        sum(c.mailing_group_count) OVER (ORDER BY t.name) - c.mailing_group_count AS groups_before
    FROM tenants t
    JOIN clocks c ON c.tenant_id = t.tenant_id
    WHERE t.name >= $1 AND t.name < $2 AND ($3 IS NULL OR t.name > $3)
        AND ($5 IS NULL OR t.name = ANY ($5))
    ORDER BY t.name LIMIT $4
)
SELECT t.name, t.create_time, c.revision, c.max_contacts, c.max_mailing_groups, c.max_segments,
    t.max_streams, t.max_calls_per_second, c.mailing_group_count, c.contact_count,
    (
        SELECT coalesce(sum(g.company_count + g.person_count), 0)::bigint
        FROM mailing_groups g WHERE g.tenant_id = c.tenant_id
    ) AS membership_count,
    (SELECT count(*) FROM segments s WHERE s.tenant_id = c.tenant_id) AS segment_count,
    (SELECT count(*) FROM named) AS found
FROM named n
JOIN clocks c ON c.tenant_id = n.tenant_id
JOIN tenants t ON t.tenant_id = c.tenant_id
WHERE n.groups_before < $6
ORDER BY t.name
