-- Corrects the counters of groups of tenant $1 after contacts $2 changed their kind: 1 in $3 for a
-- person that is now a company, -1 for the reverse. See `assign.sql` for OFFSET.
UPDATE mailing_groups g SET company_count = g.company_count + n.companies,
    person_count = g.person_count - n.companies
FROM (
    SELECT m.group_id, sum(c.companies) AS companies
    FROM unnest((SELECT $2), (SELECT $3)) AS c (contact_number, companies)
    CROSS JOIN LATERAL (
        SELECT group_id FROM memberships
        WHERE tenant_id = $1 AND contact_number = c.contact_number
        OFFSET 0
    ) m
    GROUP BY m.group_id
) n
WHERE g.tenant_id = $1 AND g.group_id = n.group_id
