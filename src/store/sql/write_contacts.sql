-- Creates contacts (the first $11 rows of the input) and replaces the details of others, in one
-- statement, so that a person can come with its company.
--
-- $1 tenant, $2 to $10 the contacts by column, $12 revision, $13 time. See `assign.sql` for OFFSET and
-- ctid.
WITH
    input AS MATERIALIZED (
        SELECT *
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) WITH ORDINALITY AS i (contact_number, id,
            kind, name, search_name, company_id, email, exclude_from_segments, privacy_blocked,
            ordinal)
    ),
    created AS (
        INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, company_id,
            email, exclude_from_segments, privacy_blocked, revision, create_time, update_time)
        SELECT $1, contact_number, id, kind, name, search_name, company_id, email,
            exclude_from_segments, privacy_blocked, $12, $13, $13
        FROM input WHERE ordinal <= $11 ORDER BY ordinal
    )
UPDATE contacts c SET kind = i.kind, name = i.name, search_name = i.search_name,
    company_id = i.company_id, email = i.email, exclude_from_segments = i.exclude_from_segments,
    privacy_blocked = i.privacy_blocked, revision = $12, update_time = $13
FROM (
    SELECT input.*, l.location FROM input
    CROSS JOIN LATERAL (
        SELECT ctid AS location FROM contacts
        WHERE tenant_id = $1 AND contact_number = input.contact_number
        OFFSET 0
    ) l
    WHERE ordinal > $11
) i
WHERE c.ctid = i.location
