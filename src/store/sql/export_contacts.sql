-- The contacts $2 of tenant $1, and the companies of persons among them that changed after revision
-- $3; each once, by number.
SELECT * FROM contacts WHERE tenant_id = $1 AND contact_number = ANY ($2)
UNION ALL
SELECT * FROM contacts
WHERE tenant_id = $1 AND kind = @Company AND revision > $3 AND contact_number <> ALL ($2)
    AND id IN (
        SELECT company_id FROM contacts WHERE tenant_id = $1 AND contact_number = ANY ($2)
    )
ORDER BY contact_number
