-- The same rules, ten times as quick: with {1,64} each character of a text leads to another state, and
-- PostgreSQL makes the states anew for each text. A contact's id is checked again whenever its counter changes.
--
-- The next migration validates them, which keeps nobody waiting.
ALTER TABLE contacts
    DROP CONSTRAINT contacts_id_check,
    ADD CONSTRAINT contacts_id_check
        CHECK (octet_length(id) <= 64 AND id ~ '^[A-Za-z0-9._:-]+$') NOT VALID;
ALTER TABLE contact_attributes
    DROP CONSTRAINT contact_attributes_key_check,
    ADD CONSTRAINT contact_attributes_key_check CHECK (
        octet_length(key) <= 31 AND key ~ '^[a-z][a-z0-9_]*$'
        AND key <> ALL ('{and,or,not,in,has,id,name,kind,company,email,segment}')
    ) NOT VALID;
ALTER TABLE requests
    DROP CONSTRAINT requests_request_id_check,
    ADD CONSTRAINT requests_request_id_check
        CHECK (octet_length(request_id) <= 64 AND request_id ~ '^[A-Za-z0-9._:-]+$') NOT VALID;
