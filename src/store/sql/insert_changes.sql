-- Logs what revision $2 of tenant $1 changed: $11 contact numbers of all entries, $12 ids of deleted
-- contacts, $13 to $18 the entries by column; an entry's numbers are those after position first up to last
-- of $11. See `insert_contacts.sql` for clocks.
INSERT INTO changes (tenant_id, revision, kind, subject_id, code, former_code, contact_numbers,
    contact_ids)
SELECT c.tenant_id, $2, i.kind, i.subject_id, i.code, i.former_code,
    CASE WHEN i.last IS NOT NULL THEN ($11)[i.first + 1 : i.last] END,
    CASE WHEN i.kind = @ContactsDeleted THEN $12 END
FROM clocks c
CROSS JOIN unnest(($13), ($14), ($15), ($16), ($17), ($18))
    AS i (kind, subject_id, code, former_code, first, last)
WHERE c.tenant_id = $1
