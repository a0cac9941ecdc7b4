DROP INDEX contacts_email_idx;
