WITH moved AS (
    UPDATE clocks SET revision = revision + 1 WHERE tenant_id = :tenant RETURNING revision),
pair AS (
    SELECT c.contact_number, c.kind, g.group_id, g.code, m.revision
    FROM moved m, contacts c, mailing_groups g
    WHERE c.tenant_id = :tenant AND c.id = 'C' || lpad(:n, 8, '0')
    AND g.tenant_id = :tenant AND g.code = 'G' || lpad(:k, 2, '0')),
written AS (
    INSERT INTO memberships
    SELECT :tenant::int, group_id, contact_number, revision, now() FROM pair),
counted_group AS (
    UPDATE mailing_groups g SET company_count = g.company_count + (p.kind = 1)::int,
        person_count = g.person_count + (p.kind = 2)::int
    FROM pair p WHERE g.tenant_id = :tenant AND g.group_id = p.group_id),
counted_contact AS (
    UPDATE contacts c SET mailing_group_count = c.mailing_group_count + 1,
        revision = p.revision, update_time = now()
    FROM pair p WHERE c.tenant_id = :tenant AND c.contact_number = p.contact_number),
made AS (
    INSERT INTO revisions SELECT :tenant::int, revision, now(), 'pgbench' FROM moved)
INSERT INTO changes (tenant_id, revision, kind, subject_id, code, contact_numbers)
SELECT :tenant::int, revision, 6, group_id, code, ARRAY[contact_number] FROM pair;
