-- How far imports have come that can be continued. Written with what they commit.
-- kind: 1 contacts, 2 memberships.
CREATE TABLE imports (
    tenant_id int NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    processed_count bigint NOT NULL,
    created_count bigint NOT NULL,
    updated_count bigint NOT NULL,
    rejected_count bigint NOT NULL,
    revision bigint NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT imports_pkey PRIMARY KEY (tenant_id, import_id),
    CONSTRAINT imports_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
    CONSTRAINT imports_import_id_check CHECK (import_id ~ '^[A-Za-z0-9._:-]{1,64}$'),
    CONSTRAINT imports_kind_check CHECK (kind IN (1, 2)),
    CONSTRAINT imports_counts_check CHECK (
        created_count >= 0 AND updated_count >= 0 AND rejected_count >= 0
        AND processed_count >= created_count + updated_count + rejected_count
    )
);
CREATE INDEX imports_update_time_idx ON imports (update_time);

-- What was refused, so that whoever continues an import learns of it.
CREATE TABLE import_rejections (
    tenant_id int NOT NULL,
    import_id text COLLATE "C" NOT NULL,
    item_index bigint NOT NULL,
    -- The message as it was sent.
    answer bytea NOT NULL,
    CONSTRAINT import_rejections_pkey PRIMARY KEY (tenant_id, import_id, item_index),
    CONSTRAINT import_rejections_import_id_fkey FOREIGN KEY (tenant_id, import_id)
        REFERENCES imports (tenant_id, import_id) ON DELETE CASCADE
);
