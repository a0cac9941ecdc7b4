-- Creates contacts of tenant $1: $2 to $11 by column, $12 revision, $13 time.
--
-- The tenant's row in clocks lets Citus send the statement to its shard as it is: it would take the rows
-- of a SELECT without a distributed table to the coordinator and back.
INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, company_id, email,
    exclude_from_segments, privacy_blocked, attributes, revision, create_time, update_time)
SELECT c.tenant_id, i.contact_number, i.id, i.kind, i.name, i.search_name, i.company_id, i.email,
    i.exclude_from_segments, i.privacy_blocked, i.attributes, $12, $13, $13
FROM clocks c
CROSS JOIN unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) WITH ORDINALITY AS i (contact_number, id,
    kind, name, search_name, company_id, email, exclude_from_segments, privacy_blocked, attributes,
    ordinal)
WHERE c.tenant_id = $1
ORDER BY i.ordinal
