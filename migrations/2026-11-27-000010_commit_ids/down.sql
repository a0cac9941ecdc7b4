DROP VIEW heads;
DROP VIEW commits;
ALTER TABLE clocks DROP COLUMN history_commit_id;
ALTER TABLE revisions DROP COLUMN commit_id;
