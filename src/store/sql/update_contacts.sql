-- Replaces the details of contacts of tenant $1: $2 to $11 by column, $12 revision, $13 time. See
-- `assign.sql` for OFFSET and ctid.
UPDATE contacts c SET kind = i.kind, name = i.name, search_name = i.search_name,
    company_id = i.company_id, email = i.email, exclude_from_segments = i.exclude_from_segments,
    privacy_blocked = i.privacy_blocked, attributes = i.attributes, revision = $12, update_time = $13
FROM (
    SELECT input.*, l.location
    FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS input (contact_number, id, kind, name,
        search_name, company_id, email, exclude_from_segments, privacy_blocked, attributes)
    CROSS JOIN LATERAL (
        SELECT ctid AS location FROM contacts
        WHERE tenant_id = $1 AND contact_number = input.contact_number
        OFFSET 0
    ) l
) i
WHERE c.ctid = i.location AND c.tenant_id = $1::float8
