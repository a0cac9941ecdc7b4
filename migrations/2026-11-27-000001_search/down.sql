ALTER TABLE mailing_groups DROP COLUMN search_code;
