-- Corrects the counters of groups of tenant $1 after contacts $2 changed their kind: 1 in $3 for a
-- person that is now a company, -1 for the reverse.
UPDATE mailing_groups g SET company_count = g.company_count + n.companies,
    person_count = g.person_count - n.companies
FROM (
    SELECT m.group_id, sum(c.companies) AS companies
    FROM unnest($2, $3) AS c (contact_number, companies)
    JOIN memberships m ON m.tenant_id = $1 AND m.contact_number = c.contact_number
    GROUP BY m.group_id
) n
WHERE g.tenant_id = $1 AND g.group_id = n.group_id
