//! How much a look-up of an e-mail address reads.

use diesel_async::SimpleAsyncConnection;
use mailing_groups::store::{self, contacts::ContactFilter};

use super::{filled, page, rows_read};

#[tokio::test]
async fn an_e_mail_address_is_found_by_its_index() {
    let mut conn = filled().await;
    let fill = "UPDATE contacts SET email = 'User.' || contact_number % 1000 || '@Example.com'; \
        ANALYZE contacts";
    conn.batch_execute(fill).await.unwrap();
    let filter = ContactFilter {
        email: "USER.7@example.COM".parse().ok(),
        ..ContactFilter::default()
    };
    let (found, rows) = page(&mut conn, &filter, "P0100000").await;
    assert_eq!(found, 51);
    assert!(rows <= 60, "{rows} rows");
    conn.batch_execute("BEGIN").await.unwrap();
    let before = rows_read(&mut conn).await;
    let set = store::sets::with_email(&mut conn, 1, "user.7@example.com").await;
    assert_eq!(set.unwrap().1.len(), 200);
    let rows = rows_read(&mut conn).await - before;
    assert!(rows <= 210, "{rows} rows");
    conn.batch_execute("COMMIT").await.unwrap();
}
