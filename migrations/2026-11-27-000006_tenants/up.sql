-- A tenant that is being deleted, in several transactions. It has no row in clocks any more, so that
-- nothing can be written to it.
ALTER TABLE tenants ADD COLUMN deleting boolean NOT NULL DEFAULT false;

-- Counters, and how far they may go; 0: no limit. Writes read them with the lock.
ALTER TABLE clocks
    ADD COLUMN contact_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN mailing_group_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN max_contacts bigint NOT NULL DEFAULT 0,
    ADD COLUMN max_mailing_groups bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT clocks_max_contacts_check CHECK (max_contacts >= 0),
    ADD CONSTRAINT clocks_max_mailing_groups_check CHECK (max_mailing_groups >= 0);

UPDATE clocks c SET
    contact_count = (SELECT count(*) FROM contacts WHERE tenant_id = c.tenant_id),
    mailing_group_count = (SELECT count(*) FROM mailing_groups WHERE tenant_id = c.tenant_id);

-- What deleted tenants had, and which request deleted them, so that a repeated one is not done
-- again, to a new tenant of the same name.
CREATE TABLE deleted_tenants (
    tenant_id int NOT NULL,
    name text COLLATE "C" NOT NULL,
    request_id text COLLATE "C",
    mailing_group_count bigint NOT NULL,
    contact_count bigint NOT NULL,
    membership_count bigint NOT NULL,
    segment_count bigint NOT NULL,
    delete_time timestamptz NOT NULL,
    CONSTRAINT deleted_tenants_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT deleted_tenants_name_check CHECK (name ~ '^[a-z0-9-]{1,63}$'),
    CONSTRAINT deleted_tenants_request_id_check CHECK (request_id ~ '^[A-Za-z0-9._:-]{1,64}$')
);
CREATE INDEX deleted_tenants_name_idx ON deleted_tenants (name);

-- The tenants that are not being deleted.
CREATE VIEW present_tenants AS
SELECT t.tenant_id, t.name, t.create_time, c.revision, c.max_contacts, c.max_mailing_groups,
    c.mailing_group_count, c.contact_count,
    (
        SELECT coalesce(sum(g.company_count + g.person_count), 0)::bigint
        FROM mailing_groups g WHERE g.tenant_id = t.tenant_id
    ) AS membership_count,
    (SELECT count(*) FROM segments s WHERE s.tenant_id = t.tenant_id) AS segment_count
FROM tenants t
JOIN clocks c ON c.tenant_id = t.tenant_id;
