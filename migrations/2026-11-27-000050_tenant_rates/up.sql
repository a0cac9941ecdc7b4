-- How many segments a tenant may have; 0: no limit. Writes read it with the lock.
ALTER TABLE clocks
    ADD COLUMN max_segments bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT clocks_max_segments_check CHECK (max_segments >= 0);

-- How many streams a tenant may have open, and how many calls it may make in a second, on one server; 0:
-- no limit of its own. Servers read them every two seconds, by the index: mostly few tenants have any.
ALTER TABLE tenants
    ADD COLUMN max_streams bigint NOT NULL DEFAULT 0,
    ADD COLUMN max_calls_per_second bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT tenants_max_streams_check CHECK (max_streams >= 0),
    ADD CONSTRAINT tenants_max_calls_per_second_check CHECK (max_calls_per_second >= 0);
CREATE INDEX tenants_rates_idx ON tenants (name) WHERE max_streams > 0 OR max_calls_per_second > 0;

CREATE OR REPLACE VIEW present_tenants AS
SELECT t.tenant_id, t.name, t.create_time, c.revision, c.max_contacts, c.max_mailing_groups,
    c.mailing_group_count, c.contact_count,
    (
        SELECT coalesce(sum(g.company_count + g.person_count), 0)::bigint
        FROM mailing_groups g WHERE g.tenant_id = t.tenant_id
    ) AS membership_count,
    (SELECT count(*) FROM segments s WHERE s.tenant_id = t.tenant_id) AS segment_count,
    c.max_segments, t.max_streams, t.max_calls_per_second
FROM tenants t
JOIN clocks c ON c.tenant_id = t.tenant_id;
