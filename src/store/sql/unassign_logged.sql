-- Unassigns groups from contacts. A transaction by itself: it
-- locks the revision counter, as every write of the tenant does, and logs the changes.
--
-- $1 tenant, $2 contact ids, $3 codes, $4 time, $5 request id, $6 and $7 the pairs: for each the
-- position of its contact in $2 and of its code in $3, from 1; $8 the id of the commit, $9 who makes it.
--
-- Each contact and each code is looked up once, however many pairs name it; 0 means that it does
-- not exist, a negative number that it is a former name of the contact or group of that number, whose
-- present name is in `current`.
--
-- The arrays stand in sub-selects so that the planner does not see their length: it plans once per
-- connection for a few rows, which suits many rows too, instead of each time, which takes longer than
-- executing the statement for one pair.
--
-- OFFSET 0 makes it look up each row by its whole key, and rows are changed by their location (ctid),
-- which the lock keeps: in joins by the keys the planner reads all rows of a tenant for which it has no
-- statistics yet. On Citus other shards have rows at the same locations, so the tenant is named too; as
-- float8, which no index has, it does not tempt the planner to read all rows of the tenant.
--
-- BETWEEN and LIMIT 1 make it read an index backwards. The rows of tenants and of groups change with nearly every
-- write; until the oldest snapshot in the database ends, all versions of a row stay, and the newest comes last.
WITH
    -- Locks the tenant's revision counter. Without rows if the snapshot of this statement, which is
    -- taken before the lock, is older than the last change of the tenant.
    locked AS MATERIALIZED (
        SELECT revision, ctid AS location FROM clocks WHERE tenant_id BETWEEN $1 AND $1
        ORDER BY tenant_id DESC LIMIT 1 FOR UPDATE
    ),
    now AS MATERIALIZED (
        SELECT c.revision + 1 AS revision, l.location
        FROM locked l
        JOIN clocks c ON c.ctid = l.location AND c.revision = l.revision
    ),
    contact AS MATERIALIZED (
        SELECT array_agg(coalesce(c.contact_number, -m.kept_number, 0) ORDER BY i.ordinal) AS numbers,
            array_agg(coalesce(c.kind, 0::smallint) ORDER BY i.ordinal) AS kinds,
            array_agg(c.location ORDER BY i.ordinal) AS locations
        FROM unnest((SELECT $2)) WITH ORDINALITY AS i (id, ordinal)
        LEFT JOIN LATERAL (
            SELECT contact_number, kind, ctid AS location FROM contacts
            WHERE tenant_id = $1 AND id = i.id
            OFFSET 0
        ) c ON true
        LEFT JOIN LATERAL (
            SELECT kept_number FROM merged_contacts
            WHERE c.contact_number IS NULL AND tenant_id = $1 AND id = i.id
            OFFSET 0
        ) m ON true
    ),
    mailing_group AS MATERIALIZED (
        SELECT array_agg(coalesce(g.group_id, -f.group_id, 0) ORDER BY i.ordinal) AS ids,
            array_agg(g.location ORDER BY i.ordinal) AS locations
        FROM unnest((SELECT $3)) WITH ORDINALITY AS i (code, ordinal)
        LEFT JOIN LATERAL (
            SELECT group_id, ctid AS location FROM mailing_groups
            WHERE tenant_id = $1 AND code BETWEEN i.code AND i.code
            ORDER BY code DESC LIMIT 1
        ) g ON true
        LEFT JOIN LATERAL (
            SELECT group_id FROM former_codes
            WHERE g.group_id IS NULL AND tenant_id = $1 AND code = i.code
            OFFSET 0
        ) f ON true
    ),
    pair AS MATERIALIZED (
        SELECT n.revision AS next_revision, i.ordinal,
            (SELECT numbers FROM contact)[i.contact] AS contact_number,
            (SELECT kinds FROM contact)[i.contact] AS kind,
            (SELECT locations FROM contact)[i.contact] AS contact_location,
            (SELECT ids FROM mailing_group)[i.code] AS group_id,
            (SELECT locations FROM mailing_group)[i.code] AS group_location,
            (SELECT $3)[i.code] AS code
        FROM now n
        CROSS JOIN unnest((SELECT $6), (SELECT $7)) WITH ORDINALITY AS i (contact, code, ordinal)
    ),
    input AS MATERIALIZED (
        SELECT p.*, m.revision, m.create_time, m.location,
            p.contact_number > 0 AND p.group_id > 0 AND m.revision IS NOT NULL AS changed
        FROM pair p
        LEFT JOIN LATERAL (
            SELECT m.revision, m.create_time, m.ctid AS location FROM memberships m
            WHERE m.tenant_id = $1 AND m.group_id = p.group_id
                AND m.contact_number = p.contact_number
            OFFSET 0
        ) m ON true
    ),
    chosen AS MATERIALIZED (SELECT * FROM input WHERE changed),
    written AS (
        DELETE FROM memberships m USING chosen WHERE m.ctid = chosen.location AND m.tenant_id = $1::float8
    ),
    counted_groups AS (
        UPDATE mailing_groups g SET company_count = g.company_count - n.companies,
            person_count = g.person_count - n.persons
        FROM (
            SELECT group_location, count(*) FILTER (WHERE kind = @Company) AS companies,
                count(*) FILTER (WHERE kind = @Person) AS persons
            FROM chosen GROUP BY group_location
        ) n
        WHERE g.ctid = n.group_location AND g.tenant_id = $1::float8
    ),
    counted_contacts AS (
        UPDATE contacts c SET mailing_group_count = c.mailing_group_count - n.groups,
            revision = n.next_revision, update_time = $4
        FROM (
            SELECT contact_location, next_revision, count(*) AS groups
            FROM chosen GROUP BY contact_location, next_revision
        ) n
        WHERE c.ctid = n.contact_location AND c.tenant_id = $1::float8
    ),
    counter AS (
        UPDATE clocks c SET revision = n.revision
        FROM now n
        WHERE c.ctid = n.location AND EXISTS (SELECT FROM chosen)
    ),
    new_revision AS (
        INSERT INTO revisions (tenant_id, revision, commit_time, request_id, commit_id, actors)
        SELECT $1, n.revision, $4, $5, $8, $9 FROM now n WHERE EXISTS (SELECT FROM chosen)
    ),
    logged AS (
        INSERT INTO changes (tenant_id, revision, kind, subject_id, code, contact_numbers)
        SELECT $1, next_revision, @MembersRemoved, group_id, code, contact_numbers
        FROM (
            SELECT next_revision, group_id, code,
                array_agg(contact_number ORDER BY contact_number) AS contact_numbers
            FROM chosen GROUP BY next_revision, group_id, code
        ) n
    )
SELECT CASE WHEN contact_number > 0 THEN contact_number END AS contact_number,
    CASE WHEN group_id > 0 THEN group_id END AS group_id, changed, revision, create_time, next_revision,
    CASE
        WHEN contact_number < 0 THEN (
            SELECT c.id FROM contacts c
            WHERE c.tenant_id = $1 AND c.contact_number = -input.contact_number
        )
        WHEN contact_number > 0 AND group_id < 0 THEN (
            SELECT g.code FROM mailing_groups g
            WHERE g.tenant_id = $1 AND g.group_id = -input.group_id
        )
    END AS current
FROM input ORDER BY ordinal
