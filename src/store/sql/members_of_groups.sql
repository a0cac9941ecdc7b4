-- The members of groups $2 of tenant $1, group by group, until $3 members are exceeded; at least those
-- of the first group. A part has the contacts of one group whose numbers differ in the lowest 16 bits
-- only. A group without members has one row, and so has one that does not exist.
SELECT c.revision, c.commit_id, w.group_id AS number, p.contact_numbers
FROM heads c
CROSS JOIN (
    SELECT n.group_id,
        coalesce(sum(g.person_count + g.company_count) OVER (
            ORDER BY n.group_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS members_before
    FROM unnest(($2)) AS n (group_id)
    LEFT JOIN mailing_groups g ON g.tenant_id = $1 AND g.group_id = n.group_id
) w
LEFT JOIN LATERAL (
    SELECT array_agg(contact_number) AS contact_numbers
    FROM memberships m
    WHERE m.tenant_id = $1 AND m.group_id = w.group_id
    GROUP BY m.contact_number >> 16
) p ON true
WHERE c.tenant_id = $1 AND w.members_before <= $3
