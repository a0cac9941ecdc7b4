-- Fills the tenants @first to @last. Each has @contacts contacts, of which every tenth is the company of the
-- nine that follow; @groups groups, of which the first has ten members, the second one contact in a hundred,
-- the third every other one; @segments empty segments, and @rows rows in each of the other tables.
INSERT INTO tenants (tenant_id, name) SELECT t, 't-' || t FROM generate_series(@first, @last) t;
INSERT INTO clocks (tenant_id, revision, next_contact_number, next_contact_serial, next_group_id,
        next_segment_number, next_segment_serial, next_criteria_number, contact_count,
        mailing_group_count)
    SELECT t, @rows, @contacts + 1, @contacts + 1, @groups + 1, @segments + 1, @segments + 1,
        @segments + 1, @contacts, @groups
    FROM generate_series(@first, @last) t;
INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, company_id, email,
        exclude_from_segments, privacy_blocked, mailing_group_count, revision, create_time, update_time)
    SELECT t, n, CASE WHEN n % 10 = 1 THEN 'C' ELSE 'P' END || lpad(n::text, 7, '0'),
        CASE WHEN n % 10 = 1 THEN 1 ELSE 2 END, 'name ' || n, 'name ' || n,
        CASE WHEN n % 10 <> 1 THEN 'C' || lpad(((n - 1) / 10 * 10 + 1)::text, 7, '0') END,
        'user' || n || '@example.com', n % 100 = 0, n % 90 = 0, @groups, 1, now(), now()
    FROM generate_series(@first, @last) t, generate_series(1, @contacts) n;
UPDATE contacts SET attributes = jsonb_build_object('territory', 'T' || contact_number % 100, 'class', 'A')
    WHERE tenant_id BETWEEN @first AND @last AND contact_number % 2 = 0;
INSERT INTO contact_attributes
    SELECT c.tenant_id, c.contact_number, a.key, a.value
    FROM contacts c CROSS JOIN LATERAL jsonb_each_text(c.attributes) a
    WHERE c.tenant_id BETWEEN @first AND @last;
INSERT INTO mailing_groups (tenant_id, group_id, code, description, company_count, person_count,
        revision, create_time, update_time)
    SELECT t, n, 'G' || n, '', most, most, 1, now(), now()
    FROM generate_series(@first, @last) t, generate_series(1, @groups) n,
        -- At least as many as there are: small groups are read together.
        LATERAL (SELECT CASE WHEN n <= 3 THEN @contacts ELSE 10 END AS most) counted;
INSERT INTO memberships
    SELECT t, m.group_id, m.contact_number, 1, now()
    FROM generate_series(@first, @last) t, (
        SELECT 1 AS group_id, n AS contact_number FROM generate_series(1, @contacts, @contacts / 10) n
        UNION ALL SELECT 2, n FROM generate_series(1, @contacts, 100) n
        UNION ALL SELECT 3, n FROM generate_series(1, @contacts, 2) n
        UNION ALL SELECT n, 1 FROM generate_series(4, @groups) n
    ) m;
INSERT INTO revisions
    SELECT t, n, now(), 'r-' || n, n
    FROM generate_series(@first, @last) t, generate_series(1, @rows) n;
INSERT INTO changes (tenant_id, revision, kind, subject_id, code, contact_numbers)
    SELECT t, n, 6, n % @groups + 1, 'G' || (n % @groups + 1), ARRAY[n % @contacts + 1]
    FROM generate_series(@first, @last) t, generate_series(1, @rows) n;
INSERT INTO changes (tenant_id, revision, kind, subject_id, contact_numbers, contact_ids)
    SELECT t, n, 8, 0, ARRAY[@contacts + n], ARRAY['D' || n]
    FROM generate_series(@first, @last) t, generate_series(1, @rows, 10) n;
INSERT INTO requests
    SELECT t, 'r-' || n, decode(repeat('00', 32), 'hex'), '[]', now()
    FROM generate_series(@first, @last) t, generate_series(1, @rows) n;
INSERT INTO imports (tenant_id, import_id, kind, processed_count, created_count, updated_count,
        rejected_count, revision, update_time)
    SELECT t, 'i-' || n, 1, 1, 0, 0, 1, 1, now()
    FROM generate_series(@first, @last) t, generate_series(1, @segments) n;
INSERT INTO import_rejections
    SELECT t, 'i-1', n, '{}' FROM generate_series(@first, @last) t, generate_series(1, @rows) n;
INSERT INTO former_codes
    SELECT t, 'OLD' || n, n FROM generate_series(@first, @last) t, generate_series(1, @groups) n;
INSERT INTO merged_contacts (tenant_id, contact_number, kept_number, id)
    SELECT t, @contacts * 2 + n, n, 'M' || n
    FROM generate_series(@first, @last) t, generate_series(1, @contacts, 100) n;
INSERT INTO segments (tenant_id, segment_number, id, description, members, action_count, revision,
        create_time, update_time)
    SELECT t, n, 'S' || n, '', '\x3a30000000000000', 1, 1, now(), now()
    FROM generate_series(@first, @last) t, generate_series(1, @segments) n;
INSERT INTO segment_actions
    SELECT t, n, 1, 1, 'G1', NULL, 0, false, 0, 0, 0, 0, '\x3a30000000000000', 1, now()
    FROM generate_series(@first, @last) t, generate_series(1, @segments) n;
INSERT INTO saved_criteria
    SELECT t, n, 'K' || n, '', 1, 1, now()
    FROM generate_series(@first, @last) t, generate_series(1, @segments) n;
INSERT INTO saved_criteria_actions
    SELECT t, n, 1, 1, 'G1', NULL, 0, false
    FROM generate_series(@first, @last) t, generate_series(1, @segments) n;
