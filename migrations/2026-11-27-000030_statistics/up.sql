-- No statistics of tenant_id. With them the planner takes a tenant that is newer than the last ANALYZE for
-- empty, and then one index that begins with tenant_id for as good as another: look-ups by a whole key
-- read all rows of the tenant. Without them every tenant counts as a two-hundredth of the table, so the
-- whole key always wins.
--
-- A change of the type, even to the same one, drops the statistics that there are. Views have to make way.
DROP VIEW heads;
DROP VIEW commits;
DROP VIEW present_tenants;
DO $$
DECLARE
    owner regclass;
BEGIN
    FOR owner IN
        SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
            AND a.attname = 'tenant_id'
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN tenant_id TYPE int', owner);
        EXECUTE format('ALTER TABLE %s ALTER COLUMN tenant_id SET STATISTICS 0', owner);
    END LOOP;
END
$$;
-- The tenants that are not being deleted.
CREATE VIEW present_tenants AS
SELECT t.tenant_id, t.name, t.create_time, c.revision, c.max_contacts, c.max_mailing_groups,
    c.mailing_group_count, c.contact_count,
    (
        SELECT coalesce(sum(g.company_count + g.person_count), 0)::bigint
        FROM mailing_groups g WHERE g.tenant_id = t.tenant_id
    ) AS membership_count,
    (SELECT count(*) FROM segments s WHERE s.tenant_id = t.tenant_id) AS segment_count
FROM tenants t
JOIN clocks c ON c.tenant_id = t.tenant_id;
-- The commits that are known: of the log, and the one before it.
CREATE VIEW commits AS
SELECT tenant_id, revision, commit_id FROM revisions
UNION ALL SELECT tenant_id, history_start, history_commit_id FROM clocks;

-- The state of each tenant: its revision and the id of the commit that made it.
CREATE VIEW heads AS
SELECT c.tenant_id, c.revision, coalesce(r.commit_id, c.history_commit_id) AS commit_id,
    c.history_start
FROM clocks c
LEFT JOIN revisions r ON r.tenant_id = c.tenant_id AND r.revision = c.revision;
