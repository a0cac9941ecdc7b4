ALTER TABLE requests
    DROP CONSTRAINT requests_request_id_check,
    ADD CONSTRAINT requests_request_id_check CHECK (request_id ~ '^[A-Za-z0-9._:-]{1,64}$');
ALTER TABLE contact_attributes
    DROP CONSTRAINT contact_attributes_key_check,
    ADD CONSTRAINT contact_attributes_key_check CHECK (
        key ~ '^[a-z][a-z0-9_]{0,30}$'
        AND key <> ALL ('{and,or,not,in,has,id,name,kind,company,email,segment}')
    );
ALTER TABLE contacts
    DROP CONSTRAINT contacts_id_check,
    ADD CONSTRAINT contacts_id_check CHECK (id ~ '^[A-Za-z0-9._:-]{1,64}$');
