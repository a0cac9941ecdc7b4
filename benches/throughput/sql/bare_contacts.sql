CREATE TABLE bare_contacts (LIKE contacts INCLUDING ALL) WITH (fillfactor = 85);

ALTER TABLE bare_contacts
    ADD FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
    ADD FOREIGN KEY (tenant_id, company_kind, company_id)
        REFERENCES bare_contacts (tenant_id, kind, id)
