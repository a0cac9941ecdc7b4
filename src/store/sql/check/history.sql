-- Invariants of the change log of the tenant $1, and of the log and the state.
--
-- A place in the log is a revision and a kind, in the order in which changes apply: `revision * 32 +
-- kind`. An aggregate over places needs no sorting.

-- check revisions: The log has each revision from the beginning of the history to the tenant's.
SELECT format('after revision %s of %s to %s comes %s', k.revision, c.history_start, c.revision,
    coalesce(k.next::text, 'none')) AS found
FROM clocks c
CROSS JOIN (
    SELECT revision, lead(revision) OVER (ORDER BY revision) AS next
    FROM (
        SELECT revision FROM revisions WHERE tenant_id = $1
        UNION ALL SELECT history_start FROM clocks WHERE tenant_id = $1
    ) known
) k
WHERE c.tenant_id = $1 AND (k.revision < c.history_start OR k.revision > c.revision
    OR coalesce(k.next <> k.revision + 1, k.revision <> c.revision))

-- check commit-ids: Each revision has a commit id of its own, but for those of versions that wrote none.
SELECT format('revision %s: its commit id is missing, not valid or not its own', c.revision) AS found
FROM (
    SELECT revision, commit_id, max(commit_id) OVER (ORDER BY revision) AS highest,
        count(*) OVER (PARTITION BY commit_id) AS same
    FROM commits WHERE tenant_id = $1
) c
WHERE c.commit_id < 0 OR (c.commit_id = 0 AND c.highest > 0) OR (c.commit_id > 0 AND c.same > 1)
    OR (c.revision = 0 AND c.commit_id <> 0)

-- check changes: Each change belongs to a revision, and each revision changed something.
SELECT format('revision %s %s', coalesce(r.revision, c.revision), CASE
    WHEN r.revision IS NULL THEN 'has changes, but is not in the log'
    ELSE 'changed nothing'
END) AS found
FROM (SELECT revision FROM revisions WHERE tenant_id = $1) r
FULL JOIN (SELECT DISTINCT revision FROM changes WHERE tenant_id = $1) c ON c.revision = r.revision
WHERE r.revision IS NULL OR c.revision IS NULL

-- check change-entries: A change names its subject or the contacts it concerns.
SELECT format('revision %s, kind %s: no valid numbers', revision, kind) AS found
FROM changes
WHERE tenant_id = $1 AND (
    (subject_id > 0) = (kind IN (@ContactsCreated, @ContactsUpdated, @ContactsDeleted))
    OR cardinality(contact_numbers) = 0
    OR array_position(contact_numbers, NULL) IS NOT NULL
    OR 0 >= ANY (contact_numbers)
    OR cardinality(contact_ids) <> cardinality(contact_numbers)
    OR array_position(contact_ids, NULL) IS NOT NULL
)

-- check group-history: The changes of a group begin with its creation, end with its deletion, and name its code.
SELECT format('group %s, revision %s: %s', e.group_id, e.revision, CASE
    WHEN e.before = e.expected THEN 'changed before its creation or after its deletion'
    WHEN e.before IS NULL THEN 'changed before its creation'
    ELSE 'another code than before'
END) AS found
FROM (
    SELECT subject_id AS group_id, revision, kind, lag(kind) OVER w AS kind_before,
        lag(code) OVER w AS before,
        CASE WHEN kind = @GroupRenamed THEN former_code ELSE code END AS expected
    FROM changes
    WHERE tenant_id = $1 AND kind IN (@GroupCreated, @GroupRenamed, @GroupUpdated, @MembersAdded,
        @MembersRemoved, @GroupDeleted)
    WINDOW w AS (PARTITION BY subject_id ORDER BY revision, kind)
) e
CROSS JOIN clocks c
WHERE c.tenant_id = $1 AND CASE
    WHEN e.kind_before IS NULL THEN c.history_start = 0 AND e.kind <> @GroupCreated
    ELSE e.before <> e.expected OR e.kind = @GroupCreated OR e.kind_before = @GroupDeleted
END

-- check definitions: Groups, segments and saved criteria are what their last change made them.
SELECT format('%s %s: %s', coalesce(s.what, l.what), coalesce(s.number, l.number), CASE
    WHEN s.number IS NULL THEN format('is missing, but revision %s did not delete it', l.revision)
    WHEN l.number IS NULL THEN format('its revision %s is not in the log', s.revision)
    WHEN l.deleted THEN format('exists, but revision %s deleted it', l.revision)
    WHEN s.revision <> l.revision
        THEN format('bears revision %s, but revision %s changed it', s.revision, l.revision)
    ELSE format('its code or id is not that of revision %s', l.revision)
END) AS found
FROM (
    SELECT 'group' AS what, group_id AS number, code, revision FROM mailing_groups
    WHERE tenant_id = $1
    UNION ALL SELECT 'segment', segment_number, id, revision FROM segments WHERE tenant_id = $1
    UNION ALL SELECT 'saved criteria', criteria_number, code, revision FROM saved_criteria
    WHERE tenant_id = $1
) s
FULL JOIN (
    SELECT DISTINCT ON (what, number) *
    FROM (
        SELECT CASE
                WHEN kind IN (@SegmentCreated, @SegmentUpdated, @SegmentDeleted) THEN 'segment'
                WHEN kind IN (@CriteriaSaved, @CriteriaDeleted) THEN 'saved criteria'
                ELSE 'group'
            END AS what,
            subject_id AS number, code, revision, kind,
            kind IN (@GroupDeleted, @SegmentDeleted, @CriteriaDeleted) AS deleted
        FROM changes
        WHERE tenant_id = $1 AND kind NOT IN (@ContactsCreated, @ContactsUpdated, @ContactsDeleted,
            @MembersAdded, @MembersRemoved)
    ) e
    ORDER BY what, number, revision DESC, kind DESC
) l ON l.what = s.what AND l.number = s.number
WHERE CASE
    WHEN s.number IS NULL THEN NOT l.deleted
    WHEN l.number IS NULL
        THEN s.revision > (SELECT history_start FROM clocks WHERE tenant_id = $1)
    ELSE l.deleted OR s.revision <> l.revision OR s.code <> l.code
END

-- check contact-history: A contact exists, and bears the revision that it does, by its changes in the log.
SELECT format('contact %s: %s', coalesce(c.contact_number, l.contact_number), CASE
    WHEN c.contact_number IS NULL AND l.last % 32 <> @ContactsDeleted
        THEN format('is missing, but revision %s did not delete it', l.last / 32)
    WHEN l.contact_number IS NULL THEN format('its revision %s is not in the log', c.revision)
    WHEN c.contact_number IS NOT NULL AND l.last % 32 = @ContactsDeleted
        THEN format('exists, but revision %s deleted it', l.last / 32)
    WHEN c.revision <> l.last / 32
        THEN format('bears revision %s, but revision %s changed it', c.revision, l.last / 32)
    ELSE 'changed before its creation or after its deletion'
END) AS found
FROM (SELECT contact_number, revision FROM contacts WHERE tenant_id = $1) c
FULL JOIN (
    SELECT n AS contact_number, min(revision * 32 + kind) AS first, max(revision * 32 + kind) AS last,
        count(*) FILTER (WHERE kind = @ContactsCreated) AS created,
        count(*) FILTER (WHERE kind = @ContactsDeleted) AS deleted
    FROM changes, unnest(contact_numbers) n
    WHERE tenant_id = $1
    GROUP BY n
) l ON l.contact_number = c.contact_number
CROSS JOIN (SELECT history_start FROM clocks WHERE tenant_id = $1) h
WHERE CASE
    WHEN l.contact_number IS NULL THEN c.revision > h.history_start
    ELSE (c.contact_number IS NULL) <> (l.last % 32 = @ContactsDeleted)
        OR c.revision <> l.last / 32
        OR l.created <> CASE
            WHEN l.first % 32 = @ContactsCreated OR h.history_start = 0 THEN 1 ELSE 0
        END
        OR l.deleted <> CASE WHEN l.last % 32 = @ContactsDeleted THEN 1 ELSE 0 END
        OR (l.created = 1 AND l.first % 32 <> @ContactsCreated)
END

-- check member-history: A membership exists, and bears the revision that it does, by its changes in the log.
SELECT format('group %s, contact %s: %s', coalesce(m.group_id, l.group_id),
    coalesce(m.contact_number, l.contact_number), CASE
    WHEN m.group_id IS NULL AND l.last % 32 = @MembersAdded
        THEN format('no member, but revision %s added it', l.last / 32)
    WHEN l.group_id IS NULL THEN format('its revision %s is not in the log', m.revision)
    WHEN m.group_id IS NOT NULL AND l.last % 32 = @MembersRemoved
        THEN format('a member, but revision %s removed it', l.last / 32)
    WHEN m.revision <> l.last / 32
        THEN format('bears revision %s, but revision %s added it', m.revision, l.last / 32)
    ELSE 'added or removed twice'
END) AS found
FROM (SELECT group_id, contact_number, revision FROM memberships WHERE tenant_id = $1) m
FULL JOIN (
    SELECT subject_id AS group_id, n AS contact_number, min(revision * 32 + kind) AS first,
        max(revision * 32 + kind) AS last,
        count(*) FILTER (WHERE kind = @MembersAdded) AS added,
        count(*) FILTER (WHERE kind = @MembersRemoved) AS removed
    FROM changes, unnest(contact_numbers) n
    WHERE tenant_id = $1 AND kind IN (@MembersAdded, @MembersRemoved)
    GROUP BY subject_id, n
) l ON l.group_id = m.group_id AND l.contact_number = m.contact_number
CROSS JOIN (SELECT history_start FROM clocks WHERE tenant_id = $1) h
WHERE CASE
    WHEN l.group_id IS NULL THEN m.revision > h.history_start
    ELSE (m.group_id IS NULL) <> (l.last % 32 = @MembersRemoved)
        OR m.revision <> l.last / 32
        OR (l.first % 32 = @MembersRemoved AND h.history_start = 0)
        -- Additions and removals take turns.
        OR l.added - l.removed <> CASE
            WHEN l.first % 32 <> l.last % 32 THEN 0
            WHEN l.last % 32 = @MembersAdded THEN 1
            ELSE -1
        END
END
