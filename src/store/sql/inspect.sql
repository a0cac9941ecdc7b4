-- What the start checks of a database with the tables $1. The schema may be empty.
WITH own (name) AS (
    SELECT '__diesel_schema_migrations'
    UNION ALL SELECT unnest($1::text[])
), needed (name) AS (
    SELECT unnest(ARRAY['btree_gin', 'pg_trgm'])
    EXCEPT SELECT extname FROM pg_extension
)
SELECT
    current_setting('server_encoding') AS encoding,
    current_user::text AS role,
    current_setting('search_path') AS search_path,
    current_schema()::text AS schema,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS creates_tables,
    current_setting('transaction_read_only') = 'on' AS read_only,
    to_regclass('__diesel_schema_migrations') IS NOT NULL AS has_tables,
    coalesce(has_table_privilege(to_regclass('compatibility'), 'SELECT'), false) AS has_oldest_served,
    ARRAY(
        SELECT name FROM own WHERE NOT (
            has_table_privilege(to_regclass(name), 'SELECT')
            AND (name LIKE '\_\_diesel%' OR (
                has_table_privilege(to_regclass(name), 'INSERT')
                AND has_table_privilege(to_regclass(name), 'UPDATE')
                AND has_table_privilege(to_regclass(name), 'DELETE')
            ))
        ) ORDER BY name
    ) AS denied_tables,
    ARRAY(
        SELECT name FROM needed WHERE NOT EXISTS (
            SELECT FROM pg_available_extensions AS available WHERE available.name = needed.name
        ) ORDER BY name
    ) AS missing_extensions,
    ARRAY(
        SELECT name FROM needed WHERE EXISTS (
            SELECT FROM pg_available_extensions JOIN pg_available_extension_versions AS found
                USING (name)
            WHERE found.name = needed.name AND found.version = default_version
                AND NOT (found.trusted AND has_database_privilege(current_database(), 'CREATE'))
        ) AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        ORDER BY name
    ) AS reserved_extensions
