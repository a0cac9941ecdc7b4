-- Tenants by name, after $3, whose names are from $1 to before $2, and in $5 unless that is NULL; at most as
-- many as $4. The groups of each are summed up, so they are fewer if they have many groups: those after the
-- first $6 groups are left out. `found` counts them too.
WITH named AS MATERIALIZED (
    SELECT t.tenant_id,
        sum(c.mailing_group_count) OVER (ORDER BY t.name) - c.mailing_group_count AS groups_before
    FROM tenants t
    JOIN clocks c ON c.tenant_id = t.tenant_id
    WHERE t.name >= $1 AND t.name < $2 AND ($3 IS NULL OR t.name > $3)
        AND ($5 IS NULL OR t.name = ANY ($5))
    ORDER BY t.name LIMIT $4
)
SELECT p.*, (SELECT count(*) FROM named) AS found
FROM named n
JOIN present_tenants p ON p.tenant_id = n.tenant_id
WHERE n.groups_before < $6
ORDER BY p.name
