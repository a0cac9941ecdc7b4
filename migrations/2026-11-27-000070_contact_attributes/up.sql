-- What contacts are besides the fields that all have: a map of keys to texts. Rows that exist are not rewritten.
ALTER TABLE contacts
    ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT contacts_attributes_check CHECK (
        attributes = '{}' OR (
            jsonb_typeof(attributes) = 'object'
            AND jsonb_array_length(jsonb_path_query_array(attributes, '$.keyvalue()')) <= 32
        )
    );

-- The same, a row for each attribute: PostgreSQL has no index of the entries of a map that begins with the
-- tenant. Reads of contacts use the map, selections these rows.
CREATE TABLE contact_attributes (
    tenant_id int NOT NULL,
    contact_number int NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    CONSTRAINT contact_attributes_pkey PRIMARY KEY (tenant_id, contact_number, key),
    -- Also for programs that do not know the table and delete a contact during an upgrade.
    CONSTRAINT contact_attributes_contact_number_fkey FOREIGN KEY (tenant_id, contact_number)
        REFERENCES contacts (tenant_id, contact_number) ON DELETE CASCADE,
    -- The words of the expression language are no keys.
    CONSTRAINT contact_attributes_key_check CHECK (
        key ~ '^[a-z][a-z0-9_]{0,30}$'
        AND key <> ALL ('{and,or,not,in,has,id,name,kind,company,email,segment}')
    ),
    CONSTRAINT contact_attributes_value_check CHECK (
        char_length(value) BETWEEN 1 AND 100 AND value IS NFC NORMALIZED
    )
);
ALTER TABLE contact_attributes ALTER COLUMN tenant_id SET STATISTICS 0;
CREATE INDEX contact_attributes_value_idx ON contact_attributes (tenant_id, key, value, contact_number);

-- A mask can name attributes: attributes.territory.
ALTER TABLE imports
    DROP CONSTRAINT imports_update_mask_check,
    ADD CONSTRAINT imports_update_mask_check CHECK (update_mask ~ '^[a-z0-9_.,]*$');
