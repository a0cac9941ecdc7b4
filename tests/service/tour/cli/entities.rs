//! Groups, contacts and memberships, one by one; who calls, and whether the service works.

use super::{fails, write};
use crate::{
    support::scratch,
    tour::service::{Ended, Service},
};

const TENANT: &str = "cli-entities";

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
        run("assign P1 MOVE GIFT"),
        "2 pairs: 2 assigned, 0 already there, 0 rejected\n"
    );
    assert_eq!(
        run("assign P2 GIFT"),
        "1 pair: 1 assigned, 0 already there, 0 rejected\n"
    );
    assert_eq!(fields(&run("contact list --group MOVE"), "id"), ["P1"]);
    let tried = run("unassign P1 GIFT GIVE --dry-run");
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
    let deleted = run("group delete MOVE --force");
    assert_eq!(
        deleted,
        "mailing group MOVE deleted, taken from 1 contact\n"
    );
    let deleted = run("contact delete C1 --force --dry-run");
    assert!(
        deleted.contains("1 person left without a company (nothing"),
        "{deleted}"
    );
    run("contact delete C1 --force");
    fails(&service.run(TENANT, "contact get C1"), 1, &["NOT_FOUND"]);
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
    assert_eq!(
        assigned.stdout,
        "4 pairs: 1 assigned, 0 already there, 3 rejected\n"
    );
    let unassigned = run(&format!("unassign --file {file}"));
    assert!(unassigned.stdout.starts_with("4 pairs: 1 unassigned, "));
    run("group rename MOVE NEW");
    fails(&run("assign P1 MOVE"), 3, &["P1 MOVE: ", "; use NEW"]);
    let many = format!("contact_id;code\n{}", "P1;NEW\n".repeat(2_500));
    let file = write(folder.path(), "many.csv", &many);
    let assigned = run(&format!("assign --delimiter ; --file {file}"));
    assert_eq!(
        assigned.stdout,
        "2500 pairs: 1 assigned, 2499 already there, 0 rejected\n"
    );
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
    assert_eq!(succeeds(&service, "health"), "SERVING\n");
    let tokenless = "health --service mailinggroups.v1.Contacts --token-file /nowhere";
    assert_eq!(succeeds(&service, tokenless), "SERVING\n");
    let unknown = service.run(TENANT, "health --service no.such.Service");
    fails(&unknown, 1, &["NOT_FOUND"]);
    let caller = succeeds(&service, "whoami");
    assert_eq!(fields(&caller, "principal"), ["anonymous"]);
    assert_eq!(fields(&caller, "kind"), ["ANONYMOUS"]);
    assert_eq!(fields(&caller, "access"), ["ADMIN"]);
}
