DROP VIEW present_tenants;
DROP TABLE deleted_tenants;
ALTER TABLE clocks
    DROP COLUMN contact_count,
    DROP COLUMN mailing_group_count,
    DROP COLUMN max_contacts,
    DROP COLUMN max_mailing_groups;
ALTER TABLE tenants DROP COLUMN deleting;
