-- Unassigns one group from contacts that have it.
--
-- $1 tenant, $2 group, $3 contact numbers, $4 revision, $5 time. See `assign.sql` for OFFSET and ctid.
WITH
    chosen AS MATERIALIZED (
        SELECT c.*, m.membership FROM unnest($3) AS i (contact_number)
        CROSS JOIN LATERAL (
            SELECT kind, ctid AS location FROM contacts
            WHERE tenant_id = $1 AND contact_number = i.contact_number
            OFFSET 0
        ) c
        CROSS JOIN LATERAL (
            SELECT ctid AS membership FROM memberships
            WHERE tenant_id = $1 AND group_id = $2 AND contact_number = i.contact_number
            OFFSET 0
        ) m
    ),
    written AS (
        DELETE FROM memberships m USING chosen
        WHERE m.ctid = chosen.membership AND m.tenant_id = $1::float8
    ),
    counted_contacts AS (
        UPDATE contacts c SET mailing_group_count = c.mailing_group_count - 1, revision = $4,
            update_time = $5
        FROM chosen
        WHERE c.ctid = chosen.location AND c.tenant_id = $1::float8
    )
UPDATE mailing_groups g SET company_count = g.company_count - n.companies,
    person_count = g.person_count - n.persons
FROM (
    SELECT count(*) FILTER (WHERE kind = @Company) AS companies,
        count(*) FILTER (WHERE kind = @Person) AS persons
    FROM chosen
) n
WHERE g.tenant_id = $1 AND g.group_id = $2
