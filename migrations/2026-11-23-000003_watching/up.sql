-- Watchers look up the ids of contacts that were deleted since the change they read.
CREATE INDEX changes_deleted_contacts_idx ON changes USING gin (tenant_id, contact_numbers)
    WHERE kind = 8;
