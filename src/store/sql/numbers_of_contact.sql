-- The numbers that the contact with the id $2 of tenant $1 has, and had before it was deleted.
SELECT contact_number FROM contacts WHERE tenant_id = $1 AND id = $2
UNION
SELECT contact_numbers[array_position(contact_ids, $2)] FROM changes
WHERE tenant_id = $1 AND kind = @ContactsDeleted AND contact_ids @> ARRAY[$2]
