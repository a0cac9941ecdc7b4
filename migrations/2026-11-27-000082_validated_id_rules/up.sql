-- In a transaction of its own: it reads all rows, while others read and write them.
ALTER TABLE contacts VALIDATE CONSTRAINT contacts_id_check;
ALTER TABLE contact_attributes VALIDATE CONSTRAINT contact_attributes_key_check;
ALTER TABLE requests VALIDATE CONSTRAINT requests_request_id_check;
