-- Invariants of what the tenant $1 has now.

-- check tenant-counts: A tenant's counters are the numbers of its contacts and mailing groups.
SELECT format('counts %s contacts and %s groups, has %s and %s', c.contact_count,
    c.mailing_group_count, n.contacts, n.groups) AS found
FROM clocks c
CROSS JOIN (
    SELECT (SELECT count(*) FROM contacts WHERE tenant_id = $1) AS contacts,
        (SELECT count(*) FROM mailing_groups WHERE tenant_id = $1) AS groups
) n
WHERE c.tenant_id = $1 AND (c.contact_count, c.mailing_group_count) <> (n.contacts, n.groups)

-- check group-counts: A group's counters are the numbers of its companies and persons.
SELECT format('group %s: counts %s companies and %s persons, has %s and %s', g.group_id,
    g.company_count, g.person_count, coalesce(n.companies, 0), coalesce(n.persons, 0)) AS found
FROM mailing_groups g
LEFT JOIN (
    SELECT m.group_id, count(*) FILTER (WHERE c.kind = @Company) AS companies,
        count(*) FILTER (WHERE c.kind = @Person) AS persons
    FROM memberships m
    JOIN contacts c ON c.tenant_id = m.tenant_id AND c.contact_number = m.contact_number
    WHERE m.tenant_id = $1
    GROUP BY m.group_id
) n ON n.group_id = g.group_id
WHERE g.tenant_id = $1
    AND (g.company_count, g.person_count) <> (coalesce(n.companies, 0), coalesce(n.persons, 0))

-- check contact-counts: A contact's counter is the number of its mailing groups.
SELECT format('contact %s: counts %s groups, has %s', c.contact_number, c.mailing_group_count,
    coalesce(n.groups, 0)) AS found
FROM contacts c
LEFT JOIN (
    SELECT contact_number, count(*) AS groups FROM memberships WHERE tenant_id = $1
    GROUP BY contact_number
) n ON n.contact_number = c.contact_number
WHERE c.tenant_id = $1 AND c.mailing_group_count <> coalesce(n.groups, 0)

-- check next-numbers: A tenant's next numbers are above all that are in use or in the history.
SELECT format('the next number of %s is %s, but %s is used', v.what, v.next, v.used) AS found
FROM clocks c
CROSS JOIN LATERAL (VALUES
    ('contacts', c.next_contact_number, greatest(
        (SELECT max(contact_number) FROM contacts WHERE tenant_id = $1),
        (SELECT max(contact_number) FROM merged_contacts WHERE tenant_id = $1),
        (SELECT max(n) FROM changes, unnest(contact_numbers) n WHERE tenant_id = $1))),
    ('groups', c.next_group_id, greatest(
        (SELECT max(group_id) FROM mailing_groups WHERE tenant_id = $1),
        (SELECT max(subject_id) FROM changes WHERE tenant_id = $1 AND kind IN (@GroupCreated,
            @GroupRenamed, @GroupUpdated, @MembersAdded, @MembersRemoved, @GroupDeleted)))),
    ('segments', c.next_segment_number, greatest(
        (SELECT max(segment_number) FROM segments WHERE tenant_id = $1),
        (SELECT max(subject_id) FROM changes WHERE tenant_id = $1
            AND kind IN (@SegmentCreated, @SegmentUpdated, @SegmentDeleted)))),
    ('saved criteria', c.next_criteria_number, greatest(
        (SELECT max(criteria_number) FROM saved_criteria WHERE tenant_id = $1),
        (SELECT max(subject_id) FROM changes WHERE tenant_id = $1
            AND kind IN (@CriteriaSaved, @CriteriaDeleted))))
) AS v (what, next, used)
WHERE c.tenant_id = $1 AND v.used >= v.next

-- check latest-revisions: Nothing bears a revision above its tenant's.
SELECT format('%s: up to revision %s, but the tenant is at %s', v.what, v.used, c.revision) AS found
FROM clocks c
CROSS JOIN (
    SELECT 'contacts' AS what, max(revision) AS used FROM contacts WHERE tenant_id = $1
    UNION ALL SELECT 'groups', max(revision) FROM mailing_groups WHERE tenant_id = $1
    UNION ALL SELECT 'memberships', max(revision) FROM memberships WHERE tenant_id = $1
    UNION ALL SELECT 'segments', max(revision) FROM segments WHERE tenant_id = $1
    UNION ALL SELECT 'actions of segments', max(revision) FROM segment_actions WHERE tenant_id = $1
    UNION ALL SELECT 'saved criteria', max(revision) FROM saved_criteria WHERE tenant_id = $1
    UNION ALL SELECT 'imports', max(revision) FROM imports WHERE tenant_id = $1
) v
WHERE c.tenant_id = $1 AND v.used > c.revision

-- check members: The group and the contact of a membership exist.
SELECT format('group %s, contact %s: the %s is missing', m.group_id, m.contact_number,
    CASE WHEN g.group_id IS NULL THEN 'group' ELSE 'contact' END) AS found
FROM memberships m
LEFT JOIN mailing_groups g ON g.tenant_id = m.tenant_id AND g.group_id = m.group_id
LEFT JOIN contacts c ON c.tenant_id = m.tenant_id AND c.contact_number = m.contact_number
WHERE m.tenant_id = $1 AND (g.group_id IS NULL OR c.contact_number IS NULL)

-- check contact-attributes: The rows of attributes say the same as the maps of the contacts.
SELECT format('contact %s, attribute %s: %s', coalesce(m.contact_number, a.contact_number),
    coalesce(m.key, a.key), CASE
    WHEN a.key IS NULL THEN 'has no row'
    WHEN m.key IS NULL THEN 'is not in the map'
    ELSE 'the row and the map differ'
END) AS found
FROM (
    SELECT c.contact_number, e.key, e.value FROM contacts c
    CROSS JOIN LATERAL jsonb_each_text(
        CASE WHEN jsonb_typeof(c.attributes) = 'object' THEN c.attributes ELSE '{}' END
    ) e
    WHERE c.tenant_id = $1
) m
FULL JOIN (
    SELECT contact_number, key, value FROM contact_attributes WHERE tenant_id = $1
) a ON a.contact_number = m.contact_number AND a.key = m.key
WHERE m.value IS DISTINCT FROM a.value

-- check companies: Only persons have a company, which exists and is a company.
SELECT format('contact %s: %s', p.contact_number, CASE
    WHEN p.kind <> @Person THEN 'is no person, but has a company'
    WHEN c.kind IS NULL THEN 'its company is missing'
    ELSE 'its company is no company'
END) AS found
FROM contacts p
LEFT JOIN contacts c ON c.tenant_id = p.tenant_id AND c.id = p.company_id
WHERE p.tenant_id = $1 AND p.company_id IS NOT NULL
    AND (p.kind <> @Person OR c.kind IS DISTINCT FROM @Company)

-- check merged-contacts: A merged contact is gone, the one that replaces it exists, and its id is not in use.
SELECT format('merged contact %s: %s', m.contact_number, CASE
    WHEN present.contact_number IS NOT NULL THEN 'exists'
    WHEN kept.contact_number IS NULL THEN format('contact %s is missing', m.kept_number)
    ELSE format('contact %s uses its id', namesake.contact_number)
END) AS found
FROM merged_contacts m
LEFT JOIN contacts present
    ON present.tenant_id = m.tenant_id AND present.contact_number = m.contact_number
LEFT JOIN contacts kept ON kept.tenant_id = m.tenant_id AND kept.contact_number = m.kept_number
LEFT JOIN contacts namesake ON namesake.tenant_id = m.tenant_id AND namesake.id = m.id
WHERE m.tenant_id = $1 AND (present.contact_number IS NOT NULL OR kept.contact_number IS NULL
    OR namesake.contact_number IS NOT NULL)

-- check former-codes: The group that had a former code exists, and no group has the code now.
SELECT format('a former code of group %s: %s', f.group_id, CASE
    WHEN owner.group_id IS NULL THEN 'the group is missing'
    ELSE format('group %s has it', namesake.group_id)
END) AS found
FROM former_codes f
LEFT JOIN mailing_groups owner ON owner.tenant_id = f.tenant_id AND owner.group_id = f.group_id
LEFT JOIN mailing_groups namesake ON namesake.tenant_id = f.tenant_id AND namesake.code = f.code
WHERE f.tenant_id = $1 AND (owner.group_id IS NULL OR namesake.group_id IS NOT NULL)

-- check segment-actions: The actions of a segment are numbered without gaps and counted.
SELECT format('segment %s: counts %s actions, has %s', coalesce(s.segment_number, a.segment_number),
    coalesce(s.action_count::text, 'no'), coalesce(a.numbers, 'none')) AS found
FROM (SELECT segment_number, action_count FROM segments WHERE tenant_id = $1) s
FULL JOIN (
    SELECT segment_number, count(*) AS actions, min(action_number) AS first,
        max(action_number) AS last,
        format('%s from %s to %s', count(*), min(action_number), max(action_number)) AS numbers
    FROM segment_actions WHERE tenant_id = $1
    GROUP BY segment_number
) a ON a.segment_number = s.segment_number
WHERE s.action_count IS DISTINCT FROM coalesce(a.actions, 0)
    OR a.first <> 1 OR a.last <> a.actions

-- check action-revisions: The revisions of a segment's actions do not decrease, and do not exceed the segment's.
SELECT format('segment %s, action %s: revision %s is followed by %s', a.segment_number,
    a.action_number, a.revision, a.next) AS found
FROM (
    SELECT a.segment_number, a.action_number, a.revision,
        coalesce(lead(a.revision) OVER w, s.revision) AS next
    FROM segment_actions a
    JOIN segments s ON s.tenant_id = a.tenant_id AND s.segment_number = a.segment_number
    WHERE a.tenant_id = $1
    WINDOW w AS (PARTITION BY a.segment_number ORDER BY a.action_number)
) a
WHERE a.revision > a.next

-- check saved-actions: The actions of saved criteria are numbered without gaps and counted.
SELECT format('saved criteria %s: count %s actions, have %s',
    coalesce(s.criteria_number, a.criteria_number), coalesce(s.action_count::text, 'no'),
    coalesce(a.numbers, 'none')) AS found
FROM (SELECT criteria_number, action_count FROM saved_criteria WHERE tenant_id = $1) s
FULL JOIN (
    SELECT criteria_number, count(*) AS actions, min(action_number) AS first,
        max(action_number) AS last,
        format('%s from %s to %s', count(*), min(action_number), max(action_number)) AS numbers
    FROM saved_criteria_actions WHERE tenant_id = $1
    GROUP BY criteria_number
) a ON a.criteria_number = s.criteria_number
WHERE s.action_count IS DISTINCT FROM coalesce(a.actions, 0)
    OR a.first <> 1 OR a.last <> a.actions
