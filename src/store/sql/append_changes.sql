-- Advances the tenant's counters and writes the change log of one revision.
--
-- $1 tenant, $2 revision, $3 time, $4 request id, $5 to $10 the next numbers and serials, $11 contact
-- numbers of all entries, $12 ids of deleted contacts, $13 to $18 the entries by column; an entry's
-- numbers are those after position first up to last of $11; $19 the id of the commit, $20 and $21 the
-- numbers of contacts and of groups, $22 who made it. See `assign.sql` for BETWEEN.
WITH
    counter AS (
        UPDATE clocks SET revision = $2, next_contact_number = $5, next_contact_serial = $6,
            next_group_id = $7, next_segment_number = $8, next_segment_serial = $9,
            next_criteria_number = $10, contact_count = $20, mailing_group_count = $21
        WHERE ctid = (
            SELECT ctid FROM clocks WHERE tenant_id BETWEEN $1 AND $1 ORDER BY tenant_id DESC LIMIT 1
        )
    ),
    new_revision AS (
        INSERT INTO revisions (tenant_id, revision, commit_time, request_id, commit_id, actors)
        VALUES ($1, $2, $3, $4, $19, $22)
    )
INSERT INTO changes (tenant_id, revision, kind, subject_id, code, former_code, contact_numbers,
    contact_ids)
SELECT $1, $2, kind, subject_id, code, former_code,
    CASE WHEN last IS NOT NULL THEN ($11)[first + 1 : last] END,
    CASE WHEN kind = @ContactsDeleted THEN $12 END
FROM unnest(($13), ($14), ($15), ($16), ($17), ($18))
    AS c (kind, subject_id, code, former_code, first, last)
