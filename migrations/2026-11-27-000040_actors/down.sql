ALTER TABLE revisions DROP COLUMN actors;
