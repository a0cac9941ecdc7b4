-- The contacts of companies $2 of tenant $1, the companies included. A part has the contacts of one company
-- whose numbers differ in the lowest 16 bits only. What is no company has one row without contacts.
-- OFFSET 0 makes it look up each company by its whole key, whatever the statistics are.
SELECT c.revision, c.commit_id, w.number, p.contact_numbers
FROM heads c
CROSS JOIN unnest(($2)) AS w (number)
LEFT JOIN LATERAL (
    SELECT array_agg(n.contact_number) AS contact_numbers
    FROM (
        SELECT id, contact_number FROM contacts
        WHERE tenant_id = $1 AND contact_number = w.number AND kind = @Company OFFSET 0
    ) company
    CROSS JOIN LATERAL (
        SELECT company.contact_number
        UNION ALL
        SELECT contact_number FROM contacts
        WHERE tenant_id = $1 AND company_id = company.id
    ) n
    GROUP BY n.contact_number >> 16
) p ON true
WHERE c.tenant_id = $1
