//! The command: its output and its exit codes.

use serde_json::{Value, json};

use super::damage::all_kinds;
use crate::{
    support::{Server, Sql, database, scratch},
    tour::service::{Ended, Service, run},
};

fn check(url: &str, arguments: &str) -> Ended {
    let arguments = arguments.split_whitespace();
    run(["check", "--database-url", url]
        .into_iter()
        .chain(arguments))
}

#[tokio::test]
async fn a_sound_database_ends_with_0_and_a_damaged_one_with_3() {
    let server = Server::start().await;
    let url = &server.database_url;
    all_kinds(&server, "first").await;
    all_kinds(&server, "second").await;
    let sql = Sql::connect(url).await;
    let (sound, id) = (check(url, ""), sql.tenant_id("second").await);
    assert_eq!((sound.code, sound.stderr.as_str()), (Some(0), ""));
    let of_clock = format!("SELECT revision FROM clocks WHERE tenant_id = {id}");
    let revision = sql.number(&of_clock, &[]).await;
    assert_eq!(
        sound.stdout,
        format!(
            "tenant first at revision {revision}: sound\ntenant second at revision {revision}: sound\n"
        )
    );
    let damage =
        "UPDATE contacts SET mailing_group_count = mailing_group_count + 5 WHERE tenant_id";
    sql.run(&format!("{damage} = {id}")).await;
    let damaged = check(url, "");
    assert_eq!(damaged.code, Some(3));
    let words = format!(
        "tenant second at revision {revision}: NOT SOUND\n  contact-counts: A contact's counter is \
         the number of its mailing groups.\n    contact "
    );
    assert!(damaged.stdout.contains(&words), "{}", damaged.stdout);
    assert_eq!(check(url, "--tenant first").code, Some(0));
    let json = check(url, "--tenant second --format json");
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, &report["sound"]), (Some(3), &json!(false)));
    let finding = &report["tenants"][0]["findings"][0];
    assert_eq!(finding["check"], "contact-counts");
    let contacts = format!("SELECT count(*) FROM contacts WHERE tenant_id = {id}");
    assert_eq!(finding["count"], sql.number(&contacts, &[]).await);
    for secret in ["Ada", "ada@", "Company"] {
        assert!(!damaged.stdout.contains(secret) && !json.stdout.contains(secret));
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_checked_ends_with_1() {
    let fails = |ended: Ended, words: &str| {
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    };
    let url = database().await;
    fails(check(&url, ""), "the tables are missing");
    fails(check(&format!("{url}_no"), ""), "refuses the connection");
    let server = Server::start().await;
    let url = &server.database_url;
    fails(check(url, "--tenant nobody"), "there is no tenant nobody");
    let sql = Sql::connect(url).await;
    sql.run("INSERT INTO __diesel_schema_migrations VALUES ('99990101000000')")
        .await;
    fails(check(url, ""), "are from a newer version");
    sql.run("DELETE FROM __diesel_schema_migrations WHERE version > '20261127000010'")
        .await;
    fails(check(url, ""), "is missing); run `mailing-groups migrate`");
    let folder = scratch();
    let nothing = folder.path().join("nothing");
    let ended = run(["check", "--data-dir", nothing.to_str().unwrap()]);
    fails(ended, "there is no database in");
    assert!(!nothing.exists());
}

#[test]
fn a_private_database_is_checked_while_it_is_in_use_and_while_it_is_not() {
    let mut service = Service::start();
    assert_eq!(service.run("t", "import folder examples").code, Some(0));
    let data_dir = service.data_dir.display().to_string();
    let sound = |ended: Ended| {
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stdout.starts_with("tenant t at revision "));
    };
    sound(run(["check", "--data-dir", &data_dir]));
    assert_eq!(service.stop(), Some(0));
    sound(run(["check", "--data-dir", &data_dir]));
}
