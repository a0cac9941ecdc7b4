-- Counts contacts to which one group was assigned by `insert_members.sql`, with the same parameters. See
-- `assign.sql` for OFFSET and ctid.
WITH
    chosen AS MATERIALIZED (
        SELECT c.* FROM unnest($3) AS i (contact_number)
        CROSS JOIN LATERAL (
            SELECT kind, ctid AS location FROM contacts
            WHERE tenant_id = $1 AND contact_number = i.contact_number
            OFFSET 0
        ) c
    ),
    counted_contacts AS (
        UPDATE contacts c SET mailing_group_count = c.mailing_group_count + 1, revision = $4,
            update_time = $5
        FROM chosen
        WHERE c.ctid = chosen.location AND c.tenant_id = $1::float8
    )
UPDATE mailing_groups g SET company_count = g.company_count + n.companies,
    person_count = g.person_count + n.persons
FROM (
    SELECT count(*) FILTER (WHERE kind = @Company) AS companies,
        count(*) FILTER (WHERE kind = @Person) AS persons
    FROM chosen
) n
WHERE g.tenant_id = $1 AND g.group_id = $2
