\set i :i + 1
\set batch :i * :clients + :client_id
BEGIN;
SELECT revision + 1 AS revision FROM clocks WHERE tenant_id = :tenant FOR UPDATE \gset
WITH input AS MATERIALIZED (
    SELECT i.ordinal, c.contact_number, c.kind, g.group_id, g.code, m.revision, m.create_time,
        row_number() OVER (PARTITION BY g.group_id, c.contact_number ORDER BY i.ordinal) = 1
            AND c.contact_number IS NOT NULL AND g.group_id IS NOT NULL
            AND m.revision IS NULL AS changed
    FROM unnest((SELECT contact_ids FROM batches WHERE batch = :batch),
        (SELECT codes FROM batches WHERE batch = :batch))
        WITH ORDINALITY AS i (contact_id, code, ordinal)
    LEFT JOIN contacts c ON c.tenant_id = :tenant AND c.id = i.contact_id
    LEFT JOIN mailing_groups g ON g.tenant_id = :tenant AND g.code = i.code
    LEFT JOIN memberships m ON m.tenant_id = :tenant AND m.group_id = g.group_id
        AND m.contact_number = c.contact_number),
chosen AS MATERIALIZED (SELECT * FROM input WHERE changed),
written AS (
    INSERT INTO memberships
    SELECT :tenant::int, group_id, contact_number, :revision::bigint, now() FROM chosen
    ORDER BY group_id, contact_number),
counted_groups AS (
    UPDATE mailing_groups g SET company_count = g.company_count + n.companies,
        person_count = g.person_count + n.persons
    FROM (SELECT group_id, count(*) FILTER (WHERE kind = 1) AS companies,
              count(*) FILTER (WHERE kind = 2) AS persons
          FROM chosen GROUP BY group_id) n
    WHERE g.tenant_id = :tenant AND g.group_id = n.group_id),
counted_contacts AS (
    UPDATE contacts c SET mailing_group_count = c.mailing_group_count + n.groups,
        revision = :revision, update_time = now()
    FROM (SELECT contact_number, count(*) AS groups FROM chosen GROUP BY contact_number) n
    WHERE c.tenant_id = :tenant AND c.contact_number = n.contact_number),
moved AS (UPDATE clocks SET revision = :revision WHERE tenant_id = :tenant),
made AS (INSERT INTO revisions VALUES (:tenant, :revision, now(), 'pgbench')),
logged AS (
    INSERT INTO changes (tenant_id, revision, kind, subject_id, code, contact_numbers)
    SELECT :tenant::int, :revision::bigint, 6, group_id, code,
        array_agg(contact_number ORDER BY contact_number)
    FROM chosen GROUP BY group_id, code)
SELECT contact_number, group_id, changed, revision, create_time FROM input ORDER BY ordinal;
COMMIT;
