-- Advances the counters of tenant $1 to revision $2: $5 to $10 the next numbers and serials, $20 and $21
-- the numbers of contacts and of groups.
UPDATE clocks SET revision = $2, next_contact_number = $5, next_contact_serial = $6,
    next_group_id = $7, next_segment_number = $8, next_segment_serial = $9,
    next_criteria_number = $10, contact_count = $20, mailing_group_count = $21
WHERE tenant_id = $1
