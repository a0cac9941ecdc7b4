ALTER TABLE contacts
    ADD CONSTRAINT contacts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id);
ALTER TABLE revisions
    ADD CONSTRAINT revisions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id);
ALTER TABLE changes
    ADD CONSTRAINT changes_revision_fkey FOREIGN KEY (tenant_id, revision)
        REFERENCES revisions (tenant_id, revision) ON DELETE CASCADE;
ALTER TABLE memberships
    ADD CONSTRAINT memberships_group_id_fkey FOREIGN KEY (tenant_id, group_id)
        REFERENCES mailing_groups (tenant_id, group_id),
    ADD CONSTRAINT memberships_contact_number_fkey FOREIGN KEY (tenant_id, contact_number)
        REFERENCES contacts (tenant_id, contact_number);
