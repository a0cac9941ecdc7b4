//! Groups, contacts and memberships, one by one; who calls, and whether the service works.

use std::fs;

use serde_json::{Value, json};

use super::{fails, write};
use crate::{
    support::scratch,
    tour::service::{Ended, Service},
};

const TENANT: &str = "cli-resources";

#[track_caller]
fn succeeds(service: &Service, arguments: &str) -> String {
    let ended = service.run(TENANT, arguments);
    assert_eq!(ended.code, Some(0), "{arguments}: {}", ended.stderr);
    ended.stdout
}

/// A field of each line of JSON.
fn fields(output: &str, name: &str) -> Vec<String> {
    let value = |line: &str| {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        object[name].to_string().trim_matches('"').to_owned()
    };
    output.lines().map(value).collect()
}

#[test]
fn groups_and_contacts_are_managed_by_commands() {
    let service = Service::shared();
    let run = |arguments: &str| succeeds(&service, arguments);
    assert_eq!(fields(&run("group create move Moves"), "code"), ["MOVE"]);
    for code in ["GIFT", "GIVE", "OTHER"] {
        run(&format!("groups create {code}"));
    }
    assert_eq!(fields(&run("group list GI"), "code"), ["GIFT", "GIVE"]);
    assert_eq!(fields(&run("group list --limit 3"), "code").len(), 3);
    let table = run("group list MOVE --format table");
    let mut lines = table.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("CODE  DESCRIPTION  CONTACT_COUNT")
    );
    assert!(lines.next().unwrap().starts_with("MOVE  Moves        0"));
    let described = run("group describe move Removals");
    assert_eq!(fields(&described, "description"), ["Removals"]);
    let stale = service.run(TENANT, "group describe MOVE Late --etag \"r0\"");
    fails(&stale, 1, &["ABORTED: ", "has changed since"]);
    run("group rename OTHER ELSE --dry-run");
    assert_eq!(fields(&run("group get OTHER"), "code"), ["OTHER"]);
    assert_eq!(fields(&run("group rename OTHER ELSE"), "code"), ["ELSE"]);

    run("contact create C1 Bakery --kind company");
    run("contact create P1 Mabel --company C1 --email mabel@example.com");
    run("contact create P2 Mabel --company C1");
    let persons = run("contacts list --company C1 --kind person");
    assert_eq!(fields(&persons, "id"), ["P1", "P2"]);
    assert_eq!(
        fields(&run("contact list --email mabel@example.com"), "id"),
        ["P1"]
    );
    assert_eq!(fields(&run("contact get C1"), "kind"), ["COMPANY"]);

    assert_eq!(
        run("assign P1 MOVE GIFT --format table"),
        "2 pairs: 2 assigned, 0 already there, 0 rejected\n"
    );
    assert_eq!(fields(&run("assign P2 GIFT"), "changed_count"), ["1"]);
    assert_eq!(fields(&run("contact list --group MOVE"), "id"), ["P1"]);
    let tried = run("unassign P1 GIFT GIVE --dry-run --format table");
    let counts = "2 pairs: 1 unassigned, 1 not there, 0 rejected";
    assert_eq!(
        tried,
        format!("{counts} (nothing was changed: --dry-run)\n")
    );
    assert_eq!(fields(&run("group get GIFT"), "contact_count"), ["2"]);

    run("contact create P3 Mabel");
    run("contact merge P2 P3 --dry-run");
    let merged = service.run(TENANT, "contact merge P2 P1 P3 C1");
    fails(&merged, 1, &["P2", "C1"]);
    let merged = merged.stdout;
    assert_eq!(fields(&merged, "merged_id"), ["P1", "P3"]);
    assert_eq!(fields(&merged, "moved_codes"), ["[\"MOVE\"]", "[]"]);
    assert_eq!(fields(&merged, "common_codes"), ["[\"GIFT\"]", "[]"]);
    assert_eq!(fields(&merged, "fields_taken_over"), ["[\"email\"]", "[]"]);
    fails(
        &service.run(TENANT, "group delete MOVE"),
        1,
        &["FAILED_PRECONDITION"],
    );
    let deleted = run("group delete MOVE --force --format table");
    assert_eq!(
        deleted,
        "mailing group MOVE deleted, taken from 1 contact\n"
    );
    let deleted = run("group delete GIVE");
    assert_eq!(fields(&deleted, "unassigned_count"), ["0"]);
    let deleted = run("contact delete C1 --force --dry-run --format table");
    assert!(
        deleted.contains("1 person left without a company (nothing"),
        "{deleted}"
    );
    let deleted = run("contact delete C1 --force");
    assert_eq!(fields(&deleted, "detached_person_count"), ["1"]);
    fails(&service.run(TENANT, "contact get C1"), 1, &["NOT_FOUND"]);
}

#[test]
fn fields_of_a_contact_are_changed_by_name() {
    let service = Service::shared();
    let run = |arguments: &str| service.run("cli-update", arguments);
    run("contact create C1 Bakery --kind company");
    run("contact create P1 Mabel --company C1 --email mabel@example.com");
    let update = |flags: &str| {
        let ended = run(&format!("contact update P1 {flags}"));
        assert_eq!(ended.code, Some(0), "{flags}: {}", ended.stderr);
        serde_json::from_str::<Value>(&ended.stdout).unwrap()
    };
    let updated = update("--name Mabelle --privacy-blocked");
    assert_eq!(
        (&updated["name"], &updated["email"]),
        (&json!("Mabelle"), &json!("mabel@example.com"))
    );
    assert_eq!(
        (&updated["privacy_blocked"], &updated["company_id"]),
        (&json!(true), &json!("C1"))
    );
    let updated =
        update("--company= --email= --privacy-blocked=false --exclude-from-segments=true");
    assert_eq!(
        (&updated["company_id"], &updated["email"]),
        (&json!(""), &json!(""))
    );
    assert_eq!(updated["exclude_from_segments"], true);
    assert_eq!(
        (&updated["privacy_blocked"], &updated["name"]),
        (&json!(false), &json!("Mabelle"))
    );
    assert_eq!(updated["attributes"], json!({}));
    update("--attribute territory=CH --attribute class=A=B");
    let updated = update("--attribute territory= --attribute language=de");
    assert_eq!(
        updated["attributes"],
        json!({"class": "A=B", "language": "de"})
    );
    let values = run("contact attributes class --format table").stdout;
    assert_eq!(values, "KEY    VALUE  CONTACT_COUNT\nclass  A=B    1\n");
    let keys = run("contact attributes").stdout;
    let first = "{\"key\":\"class\",\"contact_count\":1}\n";
    assert!(keys.starts_with(first), "{keys}");
    let etag = updated["etag"].as_str().unwrap();
    update(&format!("--kind company --etag {etag}"));
    fails(
        &run(&format!("contact update P1 --name Late --etag {etag}")),
        1,
        &["ABORTED"],
    );
    fails(
        &run("contact update P1"),
        2,
        &["--name", "--privacy-blocked"],
    );
    fails(&run("contact update P9 --name Nobody"), 1, &["NOT_FOUND"]);
}

#[test]
fn segments_are_built_by_commands() {
    let service = Service::shared();
    let tenant = "cli-segments";
    let object = |arguments: &str| {
        let ended = service.run(tenant, arguments);
        assert_eq!(ended.code, Some(0), "{arguments}: {}", ended.stderr);
        serde_json::from_str::<Value>(&ended.stdout).unwrap()
    };
    object("group create MOVE");
    for id in ["P1", "P2"] {
        object(&format!("contact create {id} Mabel"));
    }
    object("assign P1 MOVE");
    let created = object("segment create SPRING --description spring");
    assert_eq!(
        (&created["id"], &created["member_count"]),
        (&json!("SPRING"), &json!(0))
    );
    let added = object("segment add SPRING *");
    assert_eq!(
        (&added["added_count"], &added["person_count"]),
        (&json!(2), &json!(2))
    );
    let table = service
        .run(tenant, "segment reduce SPRING MOVE --format table")
        .stdout;
    assert!(
        table.starts_with("1 removed\nID      DESCRIPTION  MEMBER_COUNT"),
        "{table}"
    );
    let shown = object("segment show SPRING");
    assert_eq!(shown["actions"][1]["expression"], "MOVE");
    assert_eq!(shown["actions"][0]["kind"], "ADD");
    let shown = service
        .run(tenant, "segment show SPRING --format table")
        .stdout;
    assert!(shown.contains("\n2. reduce MOVE: +0 -1\n"), "{shown}");
    assert_eq!(object("segment back SPRING")["added_count"], 1);
    assert_eq!(object("segment save SPRING KEPT")["action_count"], 1);
    object("segment create AUTUMN");
    assert_eq!(
        object("segment replay AUTUMN KEPT")["replayed_action_count"],
        1
    );
    let listed = service.run(tenant, "segment list").stdout;
    assert_eq!(fields(&listed, "member_count"), ["2", "2"]);
    assert_eq!(object("segment criteria")["code"], "KEPT");
    assert_eq!(
        object("segment describe AUTUMN later")["description"],
        "later"
    );
    assert_eq!(object("segment apply AUTUMN MOVE")["added_count"], 1);
    assert_eq!(object("segment forget KEPT")["code"], "KEPT");
    let deleted = service
        .run(tenant, "segment delete AUTUMN --format table")
        .stdout;
    assert_eq!(deleted, "segment AUTUMN deleted\n");
}

#[test]
fn pairs_come_from_a_file_and_refused_ones_are_named() {
    let (service, folder) = (Service::shared(), scratch());
    let run = |arguments: &str| service.run("cli-pairs", arguments);
    run("contact create P1 Mabel");
    run("group create MOVE");
    let file = write(
        folder.path(),
        "pairs.csv",
        "code,contact_id\nMOVE,P1\nNONE,P1\n\nx\nMOVE,P9\n",
    );
    let assigned: Ended = run(&format!("assign --file {file}"));
    let names = [
        "line 3: P1 NONE: UNKNOWN_GROUP: ",
        "line 5: the row has 1 field, the header has 2\nline 6: P9 MOVE: UNKNOWN_CONTACT: ",
    ];
    fails(&assigned, 3, &names);
    let counts = |ended: &Ended| {
        let names = ["changed_count", "unchanged_count", "rejected_count"];
        names.map(|it| fields(&ended.stdout, it).concat())
    };
    assert_eq!(counts(&assigned), ["1", "0", "3"]);
    let unassigned = run(&format!("unassign --file {file}"));
    assert_eq!(counts(&unassigned), ["1", "0", "3"]);
    run("group rename MOVE NEW");
    fails(&run("assign P1 MOVE"), 3, &["P1 MOVE: ", "; use NEW"]);
    let many = format!("contact_id;code\n{}", "P1;NEW\n".repeat(2_500));
    let file = write(folder.path(), "many.csv", &many);
    let assigned = run(&format!("assign --delimiter ; --file {file}"));
    assert_eq!(counts(&assigned), ["1", "2499", "0"]);
    // As Excel for Windows writes it.
    run("group create GRÜN");
    let western = "contact_id;code\r\nP1;Grün\r\n".chars();
    let western: Vec<u8> = western.map(|it| u8::try_from(it).unwrap()).collect();
    fs::write(&file, western).unwrap();
    let assign = format!("assign --delimiter ; --file {file}");
    fails(&run(&assign), 3, &["line 2: code: not UTF-8 text"]);
    let assigned = run(&format!("{assign} --encoding windows-1252"));
    assert_eq!(counts(&assigned), ["1", "0", "0"]);
    let file = write(folder.path(), "other.csv", "id,code\nP1,MOVE\n");
    fails(
        &run(&format!("assign --file {file}")),
        1,
        &["`contact_id` is missing"],
    );
    fails(&run("assign --file /none"), 1, &["cannot read /none"]);
    fails(&run("assign P1"), 2, &["<CODE>"]);
    fails(&run("assign"), 2, &["<CONTACT>"]);
}

#[test]
fn health_and_identity_are_told() {
    let service = Service::shared();
    let health = succeeds(&service, "health --format table");
    assert_eq!(health, "SERVING\n");
    let tokenless = "health --service mailinggroups.v1.Contacts --token-file /nowhere";
    let health = succeeds(&service, tokenless);
    assert_eq!(fields(&health, "status"), ["SERVING"]);
    let unknown = service.run(TENANT, "health --service no.such.Service");
    fails(&unknown, 1, &["NOT_FOUND"]);
    let caller = succeeds(&service, "whoami");
    assert_eq!(fields(&caller, "principal"), ["anonymous"]);
    assert_eq!(fields(&caller, "kind"), ["ANONYMOUS"]);
    assert_eq!(fields(&caller, "access"), ["ADMIN"]);
}
