-- Groups of tenant $1 by code, after code $4, at most as many as $5. Their folded codes are those from $2 to
-- before $3.
--
-- A code in the range that has no accent is its folded code, so the page is read in the order of codes.
-- IS TRUE keeps the planner from reading all groups of the prefix, by their folded codes, and sorting them.
--
-- Only the groups of the prefix whose codes have an accent are read in that way, for those with one in the
-- prefix itself. OFFSET 0 keeps the planner from reading all groups of the tenant in the order of codes.
FROM (
    (
        SELECT * FROM mailing_groups
        WHERE tenant_id = $1 AND code >= $2 AND code < $3 AND code > $4
            AND (search_code >= $2 AND search_code < $3) IS TRUE
        ORDER BY code LIMIT $5
    )
    UNION ALL (
        SELECT * FROM (
            SELECT * FROM mailing_groups
            WHERE tenant_id = $1 AND search_code >= $2 AND search_code < $3 AND search_code <> code
            OFFSET 0
        ) accented
        WHERE (code < $2 OR code >= $3) AND code > $4
        ORDER BY code LIMIT $5
    )
) AS mailing_groups
ORDER BY code LIMIT $5
