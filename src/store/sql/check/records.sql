-- Invariants of what the tenant $1 keeps of requests and imports.

-- check requests: What is kept of a request can be read, and is of a revision that exists.
SELECT format('request %s: %s', r.request_id, CASE
    WHEN r.revision IS NULL THEN 'no record of a known version'
    ELSE format('revision %s, but the tenant is at %s', r.revision, c.revision)
END) AS found
FROM (
    SELECT request_id, CASE
        WHEN jsonb_typeof(answer) = 'object' AND answer -> 'version' = '2'::jsonb
                AND answer ? 'record' AND jsonb_typeof(answer -> 'revision') = 'number'
            THEN (answer ->> 'revision')::numeric
        -- As version 0.1.0 wrote it.
        WHEN jsonb_typeof(answer) = 'array' AND jsonb_array_length(answer) = 2
                AND jsonb_typeof(answer -> 1) = 'number'
            THEN (answer ->> 1)::numeric
    END AS revision
    FROM requests WHERE tenant_id = $1
) r
CROSS JOIN (SELECT revision FROM clocks WHERE tenant_id = $1) c
WHERE (r.revision BETWEEN 0 AND c.revision) IS NOT TRUE

-- check request-numbers: The entities that requests made have numbers that the tenant has used.
SELECT format('request %s: the %s %s was never used', r.request_id, v.what, n) AS found
FROM clocks c
CROSS JOIN LATERAL (VALUES
    ('contact_number', '$.**.contact_number'::jsonpath, c.next_contact_number),
    ('group_id', '$.**.group_id'::jsonpath, c.next_group_id),
    ('segment_number', '$.**.segment_number'::jsonpath, c.next_segment_number),
    ('criteria_number', '$.**.criteria_number'::jsonpath, c.next_criteria_number)
) AS v (what, path, next)
JOIN requests r ON r.tenant_id = c.tenant_id
CROSS JOIN LATERAL jsonb_path_query(r.answer, v.path) n
WHERE c.tenant_id = $1 AND CASE
    WHEN jsonb_typeof(n) = 'number' THEN n::numeric NOT BETWEEN 1 AND v.next - 1
    ELSE true
END

-- check request-content: What is kept of a request holds nothing personal.
SELECT format('request %s: keeps a name, an e-mail address or attributes', request_id) AS found
FROM requests
WHERE tenant_id = $1
    AND (answer @? '$.**.name' OR answer @? '$.**.email' OR answer @? '$.**.attributes')

-- check import-rejections: The rejected items of an import are among those that it processed and counted.
SELECT format('import %s: %s', coalesce(i.import_id, r.import_id), CASE
    WHEN i.import_id IS NULL THEN 'is missing'
    WHEN r.rejections > i.rejected_count
        THEN format('counts %s rejections, has %s', i.rejected_count, r.rejections)
    ELSE format('processed %s items, but rejected item %s', i.processed_count,
        CASE WHEN r.first < 0 THEN r.first ELSE r.last END)
END) AS found
FROM (
    SELECT import_id, count(*) AS rejections, min(item_index) AS first, max(item_index) AS last
    FROM import_rejections WHERE tenant_id = $1
    GROUP BY import_id
) r
LEFT JOIN imports i ON i.tenant_id = $1 AND i.import_id = r.import_id
WHERE i.import_id IS NULL OR r.rejections > i.rejected_count OR r.first < 0
    OR r.last >= i.processed_count
