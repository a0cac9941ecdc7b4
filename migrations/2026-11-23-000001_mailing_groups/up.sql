-- Search by any part of a name needs trigrams; an index that starts with the tenant and goes on
-- with trigrams needs btree_gin. Both are trusted extensions of PostgreSQL's contrib.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- Whose data it is. Every other key and foreign key starts with tenant_id.
CREATE TABLE tenants (
    tenant_id int NOT NULL,
    name text COLLATE "C" NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT tenants_name_key UNIQUE (name),
    CONSTRAINT tenants_tenant_id_check CHECK (tenant_id > 0),
    CONSTRAINT tenants_name_check CHECK (name ~ '^[a-z0-9-]{1,63}$')
);

-- One row a tenant. Every write locks it first: writes of a tenant are serial, so revisions are
-- in commit order and without gaps, and the counters next to the data are exact.
CREATE TABLE clocks (
    tenant_id int NOT NULL,
    revision bigint NOT NULL DEFAULT 0,
    next_contact_number int NOT NULL DEFAULT 1,
    next_contact_serial bigint NOT NULL DEFAULT 1,
    next_group_id int NOT NULL DEFAULT 1,
    -- The log is kept from the revision after this one on.
    history_start bigint NOT NULL DEFAULT 0,
    CONSTRAINT clocks_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT clocks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
    CONSTRAINT clocks_revision_check CHECK (revision >= 0),
    CONSTRAINT clocks_next_contact_number_check CHECK (next_contact_number > 0),
    CONSTRAINT clocks_next_contact_serial_check CHECK (next_contact_serial > 0),
    CONSTRAINT clocks_next_group_id_check CHECK (next_group_id > 0),
    CONSTRAINT clocks_history_start_check CHECK (history_start BETWEEN 0 AND revision)
) WITH (fillfactor = 50);

CREATE TABLE mailing_groups (
    tenant_id int NOT NULL,
    group_id int NOT NULL,
    code text COLLATE "C" NOT NULL,
    description text NOT NULL,
    company_count bigint NOT NULL DEFAULT 0,
    person_count bigint NOT NULL DEFAULT 0,
    revision bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT mailing_groups_pkey PRIMARY KEY (tenant_id, group_id),
    CONSTRAINT mailing_groups_code_key UNIQUE (tenant_id, code),
    CONSTRAINT mailing_groups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
    CONSTRAINT mailing_groups_group_id_check CHECK (group_id > 0),
    -- Letters and digits of any script; the program knows Unicode, this knows ASCII and NFC.
    CONSTRAINT mailing_groups_code_check CHECK (
        char_length(code) BETWEEN 1 AND 11
        AND code IS NFC NORMALIZED
        AND code !~ '[\u0001-\u002F\u003A-\u0040\u005B-\u007F]'
    ),
    CONSTRAINT mailing_groups_description_check CHECK (char_length(description) <= 100),
    CONSTRAINT mailing_groups_company_count_check CHECK (company_count >= 0),
    CONSTRAINT mailing_groups_person_count_check CHECK (person_count >= 0)
) WITH (fillfactor = 70);

-- Codes that a group had before it was renamed, so that an error can name the new one.
CREATE TABLE former_codes (
    tenant_id int NOT NULL,
    code text COLLATE "C" NOT NULL,
    group_id int NOT NULL,
    CONSTRAINT former_codes_pkey PRIMARY KEY (tenant_id, code),
    CONSTRAINT former_codes_group_id_fkey FOREIGN KEY (tenant_id, group_id)
        REFERENCES mailing_groups (tenant_id, group_id) ON DELETE CASCADE
);
CREATE INDEX former_codes_group_id_idx ON former_codes (tenant_id, group_id);

-- kind: 1 company, 2 person.
CREATE TABLE contacts (
    tenant_id int NOT NULL,
    contact_number int NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    name text NOT NULL,
    -- The name as it is searched: NFC and one case, whatever the database's locale is.
    search_name text COLLATE "C" NOT NULL,
    company_id text COLLATE "C",
    -- Lets the foreign key say that a person's company is a company.
    company_kind smallint GENERATED ALWAYS AS (CASE WHEN company_id IS NOT NULL THEN 1 END) STORED,
    email text NOT NULL DEFAULT '',
    exclude_from_segments boolean NOT NULL DEFAULT false,
    privacy_blocked boolean NOT NULL DEFAULT false,
    mailing_group_count int NOT NULL DEFAULT 0,
    revision bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT contacts_pkey PRIMARY KEY (tenant_id, contact_number),
    CONSTRAINT contacts_id_key UNIQUE (tenant_id, id),
    CONSTRAINT contacts_kind_id_key UNIQUE (tenant_id, kind, id),
    CONSTRAINT contacts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
    CONSTRAINT contacts_company_id_fkey FOREIGN KEY (tenant_id, company_kind, company_id)
        REFERENCES contacts (tenant_id, kind, id),
    CONSTRAINT contacts_contact_number_check CHECK (contact_number > 0),
    CONSTRAINT contacts_id_check CHECK (id ~ '^[A-Za-z0-9._:-]{1,64}$'),
    CONSTRAINT contacts_kind_check CHECK (kind IN (1, 2)),
    CONSTRAINT contacts_name_check CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT contacts_company_id_check CHECK (company_id IS NULL OR kind = 2),
    CONSTRAINT contacts_email_check CHECK (char_length(email) <= 254),
    CONSTRAINT contacts_mailing_group_count_check CHECK (mailing_group_count >= 0)
) WITH (fillfactor = 85);
CREATE INDEX contacts_company_id_idx ON contacts (tenant_id, company_id, id)
    WHERE company_id IS NOT NULL;
-- What selections read whole.
CREATE INDEX contacts_companies_idx ON contacts (tenant_id, contact_number) WHERE kind = 1;
CREATE INDEX contacts_excluded_idx ON contacts (tenant_id, contact_number)
    WHERE exclude_from_segments;
CREATE INDEX contacts_privacy_blocked_idx ON contacts (tenant_id, contact_number)
    WHERE privacy_blocked;
CREATE INDEX contacts_search_name_idx ON contacts USING gin (tenant_id, search_name gin_trgm_ops);

CREATE TABLE memberships (
    tenant_id int NOT NULL,
    group_id int NOT NULL,
    contact_number int NOT NULL,
    revision bigint NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT memberships_pkey PRIMARY KEY (tenant_id, group_id, contact_number),
    CONSTRAINT memberships_group_id_fkey FOREIGN KEY (tenant_id, group_id)
        REFERENCES mailing_groups (tenant_id, group_id),
    CONSTRAINT memberships_contact_number_fkey FOREIGN KEY (tenant_id, contact_number)
        REFERENCES contacts (tenant_id, contact_number)
);
CREATE INDEX memberships_contact_number_idx ON memberships (tenant_id, contact_number, group_id);

CREATE TABLE revisions (
    tenant_id int NOT NULL,
    revision bigint NOT NULL,
    commit_time timestamptz NOT NULL,
    request_id text NOT NULL,
    CONSTRAINT revisions_pkey PRIMARY KEY (tenant_id, revision),
    CONSTRAINT revisions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
    CONSTRAINT revisions_revision_check CHECK (revision > 0)
);

-- What each revision changed. kind, in the order in which the changes of one revision apply:
--   1 group created   2 group renamed   3 group updated     subject_id: group, code, former_code
--   4 contacts created   5 contacts updated                 contact_numbers
--   6 members added   7 members removed                     subject_id: group, code, contact_numbers
--   8 contacts deleted                                      contact_numbers, contact_ids
--   9 group deleted                                         subject_id: group, code
CREATE TABLE changes (
    tenant_id int NOT NULL,
    revision bigint NOT NULL,
    kind smallint NOT NULL,
    subject_id int NOT NULL,
    code text COLLATE "C",
    former_code text COLLATE "C",
    contact_numbers int[],
    contact_ids text[],
    CONSTRAINT changes_pkey PRIMARY KEY (tenant_id, revision, kind, subject_id),
    CONSTRAINT changes_revision_fkey FOREIGN KEY (tenant_id, revision)
        REFERENCES revisions (tenant_id, revision) ON DELETE CASCADE,
    CONSTRAINT changes_kind_check CHECK (kind BETWEEN 1 AND 9),
    CONSTRAINT changes_code_check CHECK ((code IS NOT NULL) = (kind IN (1, 2, 3, 6, 7, 9))),
    CONSTRAINT changes_former_code_check CHECK ((former_code IS NOT NULL) = (kind = 2)),
    CONSTRAINT changes_contact_numbers_check CHECK (
        (contact_numbers IS NOT NULL) = (kind IN (4, 5, 6, 7, 8))
    ),
    CONSTRAINT changes_contact_ids_check CHECK ((contact_ids IS NOT NULL) = (kind = 8))
);

-- Answers to requests that carried a request_id, so that a repeated one answers as the first.
CREATE TABLE requests (
    tenant_id int NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    answer jsonb NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT requests_pkey PRIMARY KEY (tenant_id, request_id),
    CONSTRAINT requests_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
    CONSTRAINT requests_request_id_check CHECK (request_id ~ '^[A-Za-z0-9._:-]{1,64}$'),
    CONSTRAINT requests_digest_check CHECK (octet_length(digest) = 32)
);
CREATE INDEX requests_create_time_idx ON requests (create_time);
