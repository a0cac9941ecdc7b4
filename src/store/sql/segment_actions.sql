-- The actions of segment $2 of tenant $1 after the one numbered $3, at most $4.
SELECT action_number, kind, expression, contacts, options, entire_companies, added_count,
    removed_count, excluded_count, privacy_blocked_count, changed IS NOT NULL AS undoable, revision,
    create_time
FROM segment_actions
WHERE tenant_id = $1 AND segment_number = $2 AND action_number > $3
ORDER BY action_number LIMIT $4
