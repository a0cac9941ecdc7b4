BEGIN;
UPDATE clocks SET revision = revision + 1 WHERE tenant_id = :tenant RETURNING revision \gset
SELECT c.contact_number, c.kind, g.group_id, g.code FROM contacts c, mailing_groups g
    WHERE c.tenant_id = :tenant AND c.id = 'C' || lpad(:n, 8, '0')
    AND g.tenant_id = :tenant AND g.code = 'G' || lpad(:k, 2, '0') \gset
INSERT INTO memberships VALUES (:tenant, :group_id, :contact_number, :revision, now());
UPDATE mailing_groups SET company_count = company_count + (:kind = 1)::int,
    person_count = person_count + (:kind = 2)::int
    WHERE tenant_id = :tenant AND group_id = :group_id;
UPDATE contacts SET mailing_group_count = mailing_group_count + 1, revision = :revision,
    update_time = now() WHERE tenant_id = :tenant AND contact_number = :contact_number;
INSERT INTO revisions VALUES (:tenant, :revision, now(), 'pgbench');
INSERT INTO changes (tenant_id, revision, kind, subject_id, code, contact_numbers)
    VALUES (:tenant, :revision, 6, :group_id, :code, ARRAY[:contact_number::int]);
COMMIT;
