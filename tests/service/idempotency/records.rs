//! What is kept of requests.

use mailing_groups::pb::{self, import_contacts_request as import};

use crate::support::{Server, Sql, Tenant, company, pairs, person, tables};

/// The whole content of the database, by table; bytes as text where they are text.
async fn content(url: &str) -> String {
    let client = tables::connect(url).await;
    let names = "SELECT table_name::text FROM information_schema.tables \
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    let mut all = String::new();
    for row in client.query(names, &[]).await.unwrap() {
        let table: String = row.get(0);
        for row in client
            .query(&format!("SELECT to_jsonb(t)::text FROM {table} t"), &[])
            .await
            .unwrap()
        {
            all += &format!("{table} {}\n", row.get::<_, String>(0));
        }
    }
    all
}

#[tokio::test]
async fn nothing_personal_outlives_the_contact() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "t").await;
    let marked = pb::Contact {
        name: "Mistress Marker".into(),
        email: "marker@example.com".into(),
        ..person("P1", "")
    };
    tenant
        .create_contact(marked.clone(), "create")
        .await
        .unwrap();
    let update = pb::UpdateContactRequest {
        contact: Some(pb::Contact {
            name: "Marker the Second".into(),
            ..marked.clone()
        }),
        request_id: "update".into(),
        ..Default::default()
    };
    tenant.contacts.update_contact(update).await.unwrap();
    // Rejected: a person cannot be the company of a company.
    let rejected = pb::Contact {
        company_id: "P1".into(),
        ..marked
    };
    let messages = [
        import::Message::Start(import::Start {
            import_id: "import".into(),
            ..Default::default()
        }),
        import::Message::Chunk(import::Chunk {
            contacts: vec![rejected],
        }),
        import::Message::Finish(import::Finish {}),
    ];
    let messages = messages.map(|message| pb::ImportContactsRequest {
        message: Some(message),
    });
    let imported = tenant
        .contacts
        .import_contacts(tokio_stream::iter(messages));
    let mut imported = imported.await.unwrap().into_inner();
    while imported.message().await.unwrap().is_some() {}
    tenant.group("MOVE").await;
    tenant.create(person("P2", "")).await;
    tenant.merge("P1", "P2").await.unwrap();
    let merged = pairs(&[("P2", "MOVE")]);
    tenant.batch_assign(merged, "batch").await.unwrap();
    let again = pb::BatchCreateContactsRequest {
        contacts: vec![person("P2", ""), person("P3", "P2")],
        request_id: "create-again".into(),
        ..Default::default()
    };
    let first = tenant.contacts.batch_create_contacts(again.clone()).await;
    let first = first.unwrap().into_inner();
    for result in &first.results {
        assert_eq!(result.metadata["current"], "P1", "{result:?}");
    }
    let again = tenant.contacts.batch_create_contacts(again).await;
    assert_eq!(again.unwrap().into_inner(), first);
    assert!(content(&server.database_url).await.contains("arker"));
    tenant.delete_contact("P1", "", true).await.unwrap();
    let content = content(&server.database_url).await;
    let ids = |line: &&str| ["P1", "P2"].iter().any(|id| line.contains(id));
    let outside = |line: &&str| !line.starts_with("changes ");
    let left: Vec<&str> = content.lines().filter(ids).filter(outside).collect();
    assert_eq!(left, Vec::<&str>::new());
    let bytes = |text: &str| {
        text.bytes()
            .map(|it| format!("{it:02x}"))
            .collect::<String>()
    };
    for marker in ["marker", "Marker"] {
        for found in [marker.to_owned(), bytes(marker)] {
            let line = content.lines().find(|line| line.contains(&found));
            assert_eq!(line, None);
        }
    }
}

/// Version 0.1.0 kept the answer, with the entity.
#[tokio::test]
async fn records_of_version_0_1_0_are_read_and_lose_their_entities() {
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    let contact = tenant.create_contact(company("A"), "one").await.unwrap();
    let items = pairs(&[("A", "MOVE"), ("X", "MOVE")]);
    let batch = tenant.batch_assign(items.clone(), "two").await.unwrap();
    let sql = Sql::connect(&server.database_url).await;
    sql.run(
        "UPDATE requests SET answer = '[{\"contact_number\": 1, \"id\": \"A\", \"name\": \"Company A\"}, 2]'
            WHERE request_id = 'one';
         UPDATE requests SET answer = '[[\"Changed\", \"UnknownContact\"], 3]'
            WHERE request_id = 'two'",
    )
    .await;
    for _ in 0..2 {
        let again = tenant.create_contact(company("A"), "one").await.unwrap();
        assert_eq!(again.revision, contact.revision);
        assert_eq!(again.contact.unwrap().id, "A");
        let again = tenant.batch_assign(items.clone(), "two").await.unwrap();
        assert_eq!(again, batch);
        sql.run(include_str!(
            "../../../migrations/2026-11-27-000011_request_records/up.sql"
        ))
        .await;
        let named = "SELECT count(*) FROM requests WHERE answer::text LIKE '%Company%'";
        assert_eq!(sql.number(named, &[]).await, 0);
    }
}
