-- The company of every contact of tenant $1 that has one; a company is its own. In rows of at most
-- 65,536 contacts, and at least one row, for the commit.
SELECT c.revision, c.commit_id, p.contact_numbers, p.company_numbers
FROM heads c
LEFT JOIN LATERAL (
    SELECT array_agg(contact.contact_number) AS contact_numbers,
        array_agg(company.contact_number) AS company_numbers
    FROM contacts contact
    JOIN contacts company ON company.tenant_id = $1 AND company.kind = @Company
        AND company.id =
            CASE WHEN contact.kind = @Company THEN contact.id ELSE contact.company_id END
    WHERE contact.tenant_id = $1
    GROUP BY contact.contact_number >> 16
) p ON true
WHERE c.tenant_id = $1
