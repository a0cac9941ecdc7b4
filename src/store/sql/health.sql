-- Whether writes are refused, in this session or in one that begins now, and how many rows the tables
-- have, as the statistics count them: that waits for no lock. Fails without the tables; reads one that
-- every node of Citus has.
-- A role's setting for the database wins over its general one, and that over the database's.
SELECT (
    current_setting('transaction_read_only')::boolean OR coalesce((
        SELECT split_part(setting, '=', 2)::boolean
        FROM pg_db_role_setting, unnest(setconfig) AS setting
        WHERE setting LIKE 'default\_transaction\_read\_only=%'
            AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
            AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
            AND NOT EXISTS (
                -- The URL sets it, which wins over all of these.
                SELECT FROM pg_settings
                WHERE name = 'default_transaction_read_only' AND source = 'client'
            )
        ORDER BY setrole <> 0 DESC, setdatabase <> 0 DESC
        LIMIT 1
    ), false)
) AND (SELECT count(*) >= 0 FROM (SELECT FROM tenants LIMIT 1) AS any_tenant) AS is_read_only,
    (
        SELECT array_agg(pg_stat_get_live_tuples(oid) ORDER BY oid) FROM pg_class
        WHERE relkind = 'r' AND relnamespace = (
            SELECT relnamespace FROM pg_class WHERE oid = 'clocks'::regclass
        )
    ) AS rows
