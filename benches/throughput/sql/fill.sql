SET session_replication_role = replica;

INSERT INTO tenants (tenant_id, name)
SELECT t, 't' || t FROM generate_series($first, $last) t;

INSERT INTO clocks (tenant_id, revision, next_contact_number, next_group_id)
SELECT t, 1, $contacts + 1, 51 FROM generate_series($first, $last) t;

INSERT INTO revisions
SELECT t, 1, now(), 'fill' FROM generate_series($first, $last) t;

INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name, company_id, email,
    mailing_group_count, revision, create_time, update_time)
SELECT t, n, 'C' || lpad(n::text, 8, '0'), CASE WHEN n % 10 = 1 THEN 1 ELSE 2 END,
    'Contact number ' || n, 'contact number ' || n,
    CASE WHEN n % 10 <> 1 THEN 'C' || lpad((n - (n + 9) % 10)::text, 8, '0') END,
    'c' || n || '@example.com', $filled * 5, 1, now(), now()
FROM generate_series($first, $last) t, generate_series(1, $contacts) n;

INSERT INTO memberships
SELECT t, k, n, 1, now()
FROM generate_series($first, $last) t, generate_series(1, 50) k, generate_series(1, $contacts) n
WHERE (n + k) % 10 = 0 AND $filled = 1;

INSERT INTO mailing_groups (tenant_id, group_id, code, description, company_count, person_count,
    revision, create_time, update_time)
SELECT t, k, 'G' || lpad(k::text, 2, '0'), 'Group number ' || k,
    count(n) FILTER (WHERE n % 10 = 1), count(n) FILTER (WHERE n % 10 <> 1), 1, now(), now()
FROM generate_series($first, $last) t CROSS JOIN generate_series(1, 50) k
LEFT JOIN generate_series(1, $contacts) n ON (n + k) % 10 = 0 AND $filled = 1
GROUP BY t, k;

SET session_replication_role = origin
