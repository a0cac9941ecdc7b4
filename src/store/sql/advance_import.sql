-- Advances import $2 of tenant $1 and kind $3 from $4 processed items to the counts $5 to $8 and the
-- revision $9, at time $10. Changes no row if it was not at $4.
INSERT INTO imports (tenant_id, import_id, kind, processed_count, created_count, updated_count,
    rejected_count, revision, update_time)
SELECT $1, $2, $3, $5, $6, $7, $8, $9, $10
WHERE $4 = 0 OR EXISTS (SELECT FROM imports i WHERE i.tenant_id = $1 AND i.import_id = $2)
ON CONFLICT ON CONSTRAINT imports_pkey DO UPDATE SET
    processed_count = excluded.processed_count, created_count = excluded.created_count,
    updated_count = excluded.updated_count, rejected_count = excluded.rejected_count,
    revision = excluded.revision, update_time = excluded.update_time
WHERE imports.kind = $3 AND imports.processed_count = $4
