CREATE TABLE bare_memberships (LIKE memberships INCLUDING ALL);

INSERT INTO bare_memberships SELECT * FROM memberships;

ALTER TABLE bare_memberships
    ADD FOREIGN KEY (tenant_id, group_id) REFERENCES mailing_groups (tenant_id, group_id),
    ADD FOREIGN KEY (tenant_id, contact_number) REFERENCES contacts (tenant_id, contact_number)
