-- Creates contacts (the first $12 rows of the input) and replaces the details of others, in one
-- statement, so that a person can come with its company.
--
-- $1 tenant, $2 to $11 the contacts by column, $13 revision, $14 time. See `assign.sql` for OFFSET and
-- ctid.
WITH
    input AS MATERIALIZED (
        SELECT *
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) WITH ORDINALITY AS i (contact_number, id,
            kind, name, search_name, company_id, email, exclude_from_segments, privacy_blocked,
            attributes, ordinal)
    ),
    created AS (
        INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, company_id,
            email, exclude_from_segments, privacy_blocked, attributes, revision, create_time,
            update_time)
        SELECT $1, contact_number, id, kind, name, search_name, company_id, email,
            exclude_from_segments, privacy_blocked, attributes, $13, $14, $14
        FROM input WHERE ordinal <= $12 ORDER BY ordinal
    )
UPDATE contacts c SET kind = i.kind, name = i.name, search_name = i.search_name,
    company_id = i.company_id, email = i.email, exclude_from_segments = i.exclude_from_segments,
    privacy_blocked = i.privacy_blocked, attributes = i.attributes, revision = $13, update_time = $14
FROM (
    SELECT input.*, l.location FROM input
    CROSS JOIN LATERAL (
        SELECT ctid AS location FROM contacts
        WHERE tenant_id = $1 AND contact_number = input.contact_number
        OFFSET 0
    ) l
    WHERE ordinal > $12
) i
WHERE c.ctid = i.location
