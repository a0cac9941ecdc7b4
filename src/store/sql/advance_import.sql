-- Advances import $2 of tenant $1 from $6 processed items to the counts $7 to $11 and the revision $12, and
-- finishes it if $13. Changes no row if it is not of kind $3 or not at $6, or is finished.
UPDATE imports SET processed_count = $7, created_count = $8, updated_count = $9, superseded_count = $10,
    rejected_count = $11, revision = $12, update_time = now(), finished = $13
WHERE tenant_id = $1 AND import_id = $2 AND kind = $3 AND processed_count = $6 AND NOT finished
