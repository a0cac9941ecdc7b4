-- The contacts deleted after revision $2 of tenant $1. A log that is much longer than 50,000
-- revisions is not worth reading.
SELECT $2 >= c.history_start AND c.revision - $2 <= 50000 AS known, l.contact_numbers
FROM clocks c
LEFT JOIN changes l ON l.tenant_id = $1 AND l.revision > $2 AND l.kind = @ContactsDeleted
    AND c.revision - $2 <= 50000
WHERE c.tenant_id = $1
