-- The ids that the deleted contacts $2 of tenant $1 had, as far as the log reaches.
SELECT d.contact_number, d.id
FROM changes ch, unnest(ch.contact_numbers, ch.contact_ids) AS d (contact_number, id)
WHERE ch.tenant_id = $1 AND ch.kind = @ContactsDeleted AND ch.contact_numbers && $2
    AND d.contact_number = ANY ($2)
