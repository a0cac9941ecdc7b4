//! The tenant that is selected from.

/// Fills the tenant `default`: every tenth contact a company, group k with a share of 1.5/(k+1)
/// of the contacts, at most a half. The same data every time.
pub(crate) async fn fill(sql: &tokio_postgres::Client, contacts: u64) {
    let text = format!(
        "SET session_replication_role = replica;
         INSERT INTO tenants (tenant_id, name) VALUES (1, 'default');
         INSERT INTO clocks (tenant_id, revision, next_contact_number, next_group_id)
         VALUES (1, 1, {contacts} + 1, 51);
         INSERT INTO revisions VALUES (1, 1, now(), 'fill');
         INSERT INTO mailing_groups (tenant_id, group_id, code, description, revision,
             create_time, update_time)
         SELECT 1, k, 'G' || lpad(k::text, 2, '0'), '', 1, now(), now()
         FROM generate_series(1, 50) k;
         INSERT INTO contacts (tenant_id, contact_number, id, kind, name, search_name,
             company_id, email, revision, create_time, update_time)
         SELECT 1, n, 'C' || lpad(n::text, 8, '0'), CASE WHEN n % 10 = 1 THEN 1 ELSE 2 END,
             'Contact number ' || n, 'contact number ' || n,
             CASE WHEN n % 10 <> 1 THEN 'C' || lpad((n - (n + 9) % 10)::text, 8, '0') END,
             'c' || n || '@example.com', 1, now(), now()
         FROM generate_series(1, {contacts}) n;
         INSERT INTO memberships
         SELECT 1, k, n, 1, now() FROM generate_series(1, 50) k, generate_series(1, {contacts}) n
         WHERE abs(hashint8extended(n, k)) < 9223372036854775807 * least(0.5, 1.5 / (k + 1));
         SET session_replication_role = origin;
         VACUUM (ANALYZE) contacts; VACUUM (ANALYZE) memberships; VACUUM (ANALYZE) mailing_groups"
    );
    for statement in text.split(';') {
        sql.batch_execute(statement)
            .await
            .expect("the tenant is filled");
    }
}
