-- The contacts $2 of tenant $1, and the companies of persons among them that changed after revision
-- $3; each once, by number. See `assign.sql` for OFFSET.
WITH
    chosen AS MATERIALIZED (
        SELECT c.* FROM unnest((SELECT $2)) AS i (contact_number)
        CROSS JOIN LATERAL (
            SELECT * FROM contacts WHERE tenant_id = $1 AND contact_number = i.contact_number OFFSET 0
        ) c
    )
SELECT * FROM chosen
UNION ALL
SELECT c.* FROM (SELECT DISTINCT company_id FROM chosen) p
CROSS JOIN LATERAL (
    SELECT * FROM contacts WHERE tenant_id = $1 AND kind = @Company AND id = p.company_id OFFSET 0
) c
WHERE c.revision > $3 AND c.contact_number NOT IN (SELECT contact_number FROM chosen)
ORDER BY contact_number
