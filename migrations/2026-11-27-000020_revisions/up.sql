-- Finds the numbers that a deleted contact had. Only deletions write to it.
CREATE INDEX changes_deleted_ids_idx ON changes USING gin (tenant_id, contact_ids) WHERE kind = 8;
