-- Finds contacts by their e-mail address. The collation "C" changes A to Z only, whatever the
-- database's locale is.
CREATE INDEX contacts_email_idx ON contacts (tenant_id, lower(email COLLATE "C"), id)
    WHERE email <> '';
