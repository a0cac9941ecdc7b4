-- The ids of merged contacts, so that an error can name the contact that replaces them. NULL: not known,
-- or used for another contact.
ALTER TABLE merged_contacts
    ADD COLUMN id text COLLATE "C",
    ADD CONSTRAINT merged_contacts_id_key UNIQUE (tenant_id, id),
    ADD CONSTRAINT merged_contacts_id_check CHECK (id ~ '^[A-Za-z0-9._:-]{1,64}$');

-- What the change log still knows; kind 8: contacts deleted.
UPDATE merged_contacts m SET id = known.id
FROM (
    SELECT DISTINCT ON (c.tenant_id, deleted.id) c.tenant_id, deleted.id, deleted.contact_number
    FROM changes c, unnest(c.contact_numbers, c.contact_ids) AS deleted (contact_number, id)
    WHERE c.kind = 8
    ORDER BY c.tenant_id, deleted.id, c.revision DESC
) known
WHERE m.tenant_id = known.tenant_id AND m.contact_number = known.contact_number
    AND NOT EXISTS (
        SELECT FROM contacts c WHERE c.tenant_id = known.tenant_id AND c.id = known.id
    );
