DELETE FROM import_rejections;
ALTER TABLE import_rejections
    DROP COLUMN rejection,
    ADD COLUMN answer bytea NOT NULL;

ALTER TABLE imports
    DROP CONSTRAINT imports_counts_check,
    ADD CONSTRAINT imports_counts_check CHECK (
        created_count >= 0 AND updated_count >= 0 AND rejected_count >= 0
        AND processed_count >= created_count + updated_count + rejected_count
    );
ALTER TABLE imports
    DROP COLUMN fingerprint,
    DROP COLUMN update_mask,
    DROP COLUMN superseded_count,
    DROP COLUMN finished;
