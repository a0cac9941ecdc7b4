ALTER TABLE clocks
    ADD COLUMN next_segment_number int NOT NULL DEFAULT 1,
    ADD COLUMN next_segment_serial bigint NOT NULL DEFAULT 1,
    ADD COLUMN next_criteria_number int NOT NULL DEFAULT 1,
    ADD CONSTRAINT clocks_next_segment_number_check CHECK (next_segment_number > 0),
    ADD CONSTRAINT clocks_next_segment_serial_check CHECK (next_segment_serial > 0),
    ADD CONSTRAINT clocks_next_criteria_number_check CHECK (next_criteria_number > 0);

-- Sets of contacts are roaring bitmaps of contact numbers in the portable format. A number is
-- never reused, so that of a deleted contact stays in them and means nobody. They do not compress,
-- so it is not tried.
CREATE TABLE segments (
    tenant_id int NOT NULL,
    segment_number int NOT NULL,
    id text COLLATE "C" NOT NULL,
    description text NOT NULL,
    members bytea NOT NULL,
    action_count int NOT NULL DEFAULT 0,
    revision bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT segments_pkey PRIMARY KEY (tenant_id, segment_number),
    CONSTRAINT segments_id_key UNIQUE (tenant_id, id),
    CONSTRAINT segments_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
    CONSTRAINT segments_segment_number_check CHECK (segment_number > 0),
    CONSTRAINT segments_id_check CHECK (id ~ '^[A-Za-z0-9._:-]{1,64}$'),
    CONSTRAINT segments_description_check CHECK (char_length(description) <= 100),
    CONSTRAINT segments_action_count_check CHECK (action_count >= 0)
) WITH (fillfactor = 70);

-- What was done to a segment. kind: 1 add, 2 reduce, 3 refine. Who was meant is an expression or
-- a set of contacts. options, added up: 1 expand companies, 2 include related companies, 4 include
-- excluded, 8 include privacy-blocked. changed: the numbers that an add brought, or that the others took away; it
-- is NULL once the action is too old to be undone.
CREATE TABLE segment_actions (
    tenant_id int NOT NULL,
    segment_number int NOT NULL,
    action_number int NOT NULL,
    kind smallint NOT NULL,
    expression text,
    contacts bytea,
    options smallint NOT NULL,
    entire_companies boolean NOT NULL,
    added_count bigint NOT NULL,
    removed_count bigint NOT NULL,
    excluded_count bigint NOT NULL,
    privacy_blocked_count bigint NOT NULL,
    changed bytea,
    revision bigint NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT segment_actions_pkey PRIMARY KEY (tenant_id, segment_number, action_number),
    CONSTRAINT segment_actions_segment_number_fkey FOREIGN KEY (tenant_id, segment_number)
        REFERENCES segments (tenant_id, segment_number) ON DELETE CASCADE,
    CONSTRAINT segment_actions_action_number_check CHECK (action_number > 0),
    CONSTRAINT segment_actions_kind_check CHECK (kind IN (1, 2, 3)),
    CONSTRAINT segment_actions_expression_check CHECK ((expression IS NULL) <> (contacts IS NULL)),
    CONSTRAINT segment_actions_contacts_check CHECK (contacts IS NULL OR kind = 1),
    CONSTRAINT segment_actions_options_check CHECK (options BETWEEN 0 AND 15),
    CONSTRAINT segment_actions_added_count_check CHECK (added_count >= 0),
    CONSTRAINT segment_actions_removed_count_check CHECK (removed_count >= 0),
    CONSTRAINT segment_actions_excluded_count_check CHECK (excluded_count >= 0),
    CONSTRAINT segment_actions_privacy_blocked_count_check CHECK (privacy_blocked_count >= 0)
);

ALTER TABLE segments ALTER COLUMN members SET STORAGE EXTERNAL;
ALTER TABLE segment_actions
    ALTER COLUMN contacts SET STORAGE EXTERNAL,
    ALTER COLUMN changed SET STORAGE EXTERNAL;

CREATE TABLE saved_criteria (
    tenant_id int NOT NULL,
    criteria_number int NOT NULL,
    code text COLLATE "C" NOT NULL,
    description text NOT NULL,
    action_count int NOT NULL,
    revision bigint NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT saved_criteria_pkey PRIMARY KEY (tenant_id, criteria_number),
    CONSTRAINT saved_criteria_code_key UNIQUE (tenant_id, code),
    CONSTRAINT saved_criteria_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
    CONSTRAINT saved_criteria_criteria_number_check CHECK (criteria_number > 0),
    CONSTRAINT saved_criteria_code_check CHECK (code ~ '^[A-Za-z0-9._:-]{1,64}$'),
    CONSTRAINT saved_criteria_description_check CHECK (char_length(description) <= 100),
    CONSTRAINT saved_criteria_action_count_check CHECK (action_count > 0)
);

-- As segment_actions, without what they once did.
CREATE TABLE saved_criteria_actions (
    tenant_id int NOT NULL,
    criteria_number int NOT NULL,
    action_number int NOT NULL,
    kind smallint NOT NULL,
    expression text,
    contacts bytea,
    options smallint NOT NULL,
    entire_companies boolean NOT NULL,
    CONSTRAINT saved_criteria_actions_pkey PRIMARY KEY (tenant_id, criteria_number, action_number),
    CONSTRAINT saved_criteria_actions_criteria_number_fkey FOREIGN KEY (tenant_id, criteria_number)
        REFERENCES saved_criteria (tenant_id, criteria_number) ON DELETE CASCADE,
    CONSTRAINT saved_criteria_actions_action_number_check CHECK (action_number > 0),
    CONSTRAINT saved_criteria_actions_kind_check CHECK (kind IN (1, 2, 3)),
    CONSTRAINT saved_criteria_actions_expression_check CHECK (
        (expression IS NULL) <> (contacts IS NULL)
    ),
    CONSTRAINT saved_criteria_actions_contacts_check CHECK (contacts IS NULL OR kind = 1),
    CONSTRAINT saved_criteria_actions_options_check CHECK (options BETWEEN 0 AND 15)
);

ALTER TABLE saved_criteria_actions ALTER COLUMN contacts SET STORAGE EXTERNAL;

-- Contacts that were merged into others, and who stands for them in sets of contacts.
CREATE TABLE merged_contacts (
    tenant_id int NOT NULL,
    contact_number int NOT NULL,
    kept_number int NOT NULL,
    CONSTRAINT merged_contacts_pkey PRIMARY KEY (tenant_id, contact_number),
    CONSTRAINT merged_contacts_kept_number_fkey FOREIGN KEY (tenant_id, kept_number)
        REFERENCES contacts (tenant_id, contact_number) ON DELETE CASCADE
);
CREATE INDEX merged_contacts_kept_number_idx ON merged_contacts (tenant_id, kept_number);

-- More kinds of changes:
--   10 segment created   11 segment updated   12 segment deleted   subject_id: segment, code: id
--   13 criteria saved    14 criteria deleted                       subject_id: criteria, code
ALTER TABLE changes
    DROP CONSTRAINT changes_kind_check,
    DROP CONSTRAINT changes_code_check,
    ADD CONSTRAINT changes_kind_check CHECK (kind BETWEEN 1 AND 14),
    ADD CONSTRAINT changes_code_check CHECK ((code IS NOT NULL) = (kind NOT IN (4, 5, 8)));
