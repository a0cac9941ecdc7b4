-- The random id of the transaction that made a revision. After the loss of commits (a failover to a
-- standby that lags, a restored backup) other transactions get the same revision numbers, but not
-- the same ids. 0: made before there were ids.
ALTER TABLE revisions ADD COLUMN commit_id bigint NOT NULL DEFAULT 0;

-- The commit id of revision history_start, whose row is deleted.
ALTER TABLE clocks ADD COLUMN history_commit_id bigint NOT NULL DEFAULT 0;

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
