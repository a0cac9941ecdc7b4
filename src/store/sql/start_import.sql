-- Starts import $2 of tenant $1 with $3 to $5, at the counts $7 to $11 and the revision $12, and finishes it
-- if $13. One that was started before is advanced if it is not past $6 items: see `advance_import.sql`.
INSERT INTO imports (tenant_id, import_id, kind, fingerprint, update_mask, processed_count,
    created_count, updated_count, superseded_count, rejected_count, revision, update_time, finished)
VALUES ($1, $2, $3, $4, $5, $7, $8, $9, $10, $11, $12, now(), $13)
ON CONFLICT ON CONSTRAINT imports_pkey DO UPDATE SET
    processed_count = excluded.processed_count, created_count = excluded.created_count,
    updated_count = excluded.updated_count, superseded_count = excluded.superseded_count,
    rejected_count = excluded.rejected_count, revision = excluded.revision,
    update_time = excluded.update_time, finished = excluded.finished
WHERE imports.kind = $3 AND imports.processed_count = $6 AND NOT imports.finished
