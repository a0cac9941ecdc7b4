//! Counts by attributes, against the same count in SQL.

use super::counts::{CountCase, compared};
use crate::support::{report::Row, service::Database};

/// Selects a fortieth of the contacts, without a fifth of them.
const ATTRIBUTES: CountCase = CountCase {
    expression: "territory IN (T1, T2) AND class != K3",
    formulations: [
        (
            "UNION/EXCEPT",
            "SELECT count(*) FROM ((SELECT contact_number FROM contact_attributes \
                 WHERE tenant_id = 1 AND key = 'territory' AND value = $1 UNION \
                 SELECT contact_number FROM contact_attributes \
                 WHERE tenant_id = 1 AND key = 'territory' AND value = $2) EXCEPT \
                 SELECT contact_number FROM contact_attributes \
                 WHERE tenant_id = 1 AND key = 'class' AND value = $3) s",
        ),
        (
            "NOT EXISTS",
            "SELECT count(*) FROM contact_attributes t WHERE tenant_id = 1 AND key = 'territory' \
                 AND value IN ($1, $2) AND NOT EXISTS (SELECT FROM contact_attributes c \
                 WHERE c.tenant_id = 1 AND c.contact_number = t.contact_number \
                     AND c.key = 'class' AND c.value = $3)",
        ),
        (
            "jsonb",
            "SELECT count(*) FROM contacts WHERE tenant_id = 1 \
                 AND attributes ->> 'territory' IN ($1, $2) \
                 AND attributes ->> 'class' IS DISTINCT FROM $3",
        ),
    ],
    parameters: [&"T1", &"T2", &"K3"],
};

/// Counts of contacts with five attributes each. Comes last: the other rows are of contacts without any.
pub(crate) async fn rows(
    database: &Database,
    sql: &tokio_postgres::Client,
    rounds: u64,
    contacts: u64,
) -> Vec<Row> {
    let fill = "SET session_replication_role = replica;
        UPDATE contacts SET attributes = jsonb_build_object('territory', 'T' || contact_number % 40,
            'language', 'l' || contact_number % 4, 'salesperson', 'S' || contact_number % 500,
            'industry', 'I' || contact_number % 20, 'class', 'K' || contact_number % 7);
        INSERT INTO contact_attributes SELECT 1, contact_number, a.key, a.value
            FROM contacts CROSS JOIN LATERAL jsonb_each_text(attributes) a;
        SET session_replication_role = origin;
        VACUUM (ANALYZE) contacts; VACUUM (ANALYZE) contact_attributes";
    for statement in fill.split(';') {
        let filled = sql.batch_execute(statement).await;
        filled.expect("the contacts get attributes");
    }
    let mut rows = compared(database, sql, rounds, &ATTRIBUTES).await;
    for row in &mut rows {
        row.what += &format!(" of {contacts}, with five attributes each");
    }
    rows
}
