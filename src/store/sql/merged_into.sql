-- The ids among $2 that contacts of tenant $1 had before they were merged, each with that of the contact
-- that replaces it. OFFSET 0 makes it look up each by its whole key: else the planner reads all merged
-- contacts of a tenant that it takes for a small one.
SELECT m.id AS former, c.id AS current
FROM unnest((SELECT $2)) AS i (id)
CROSS JOIN LATERAL (
    SELECT id, kept_number FROM merged_contacts WHERE tenant_id = $1 AND id = i.id OFFSET 0
) m
CROSS JOIN LATERAL (
    SELECT id FROM contacts WHERE tenant_id = $1 AND contact_number = m.kept_number OFFSET 0
) c
