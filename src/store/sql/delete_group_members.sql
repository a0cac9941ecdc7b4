-- Unassigns one group from all its members and returns their numbers. The group's counters are set
-- to zero.
--
-- $1 tenant, $2 group, $3 revision, $4 time. See `assign.sql` for OFFSET and ctid.
WITH
    deleted AS (
        DELETE FROM memberships WHERE tenant_id = $1 AND group_id = $2 RETURNING contact_number
    ),
    counted_group AS (
        UPDATE mailing_groups SET company_count = 0, person_count = 0
        WHERE tenant_id = $1 AND group_id = $2
    ),
    counted_contacts AS (
        UPDATE contacts c SET mailing_group_count = c.mailing_group_count - 1, revision = $3,
            update_time = $4
        FROM (
            SELECT l.location FROM deleted d
            CROSS JOIN LATERAL (
                SELECT ctid AS location FROM contacts
                WHERE tenant_id = $1 AND contact_number = d.contact_number
                OFFSET 0
            ) l
        ) n
        WHERE c.ctid = n.location AND c.tenant_id = $1::float8
    )
SELECT coalesce(array_agg(contact_number ORDER BY contact_number), '{}') AS contact_numbers
FROM deleted
