-- What an import was started with, so that it is continued with the same, and whether it is finished.
-- fingerprint and update_mask: empty if the import was started without, or before this migration.
ALTER TABLE imports
    ADD COLUMN fingerprint text NOT NULL DEFAULT '',
    ADD COLUMN update_mask text NOT NULL DEFAULT '',
    ADD COLUMN superseded_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN finished boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT imports_fingerprint_check CHECK (octet_length(fingerprint) <= 128),
    ADD CONSTRAINT imports_update_mask_check CHECK (update_mask ~ '^[a-z_,]*$');
ALTER TABLE imports
    DROP CONSTRAINT imports_counts_check,
    ADD CONSTRAINT imports_counts_check CHECK (
        created_count >= 0 AND updated_count >= 0 AND rejected_count >= 0 AND superseded_count >= 0
        AND processed_count >= created_count + updated_count + rejected_count + superseded_count
    );

-- The answers as they were sent held ids, which may outlive the contacts. They are dropped.
DELETE FROM import_rejections;
ALTER TABLE import_rejections
    DROP COLUMN answer,
    -- Why the item was rejected, in a versioned form, without anything of its content.
    ADD COLUMN rejection jsonb NOT NULL;
