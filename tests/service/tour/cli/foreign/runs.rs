//! A dry run says what the run does, and a second run changes nothing.

use std::collections::BTreeMap;

use super::{Workspace, counts, fails, prints};
use crate::tour::service::Ended;

/// Created, updated, unchanged and rejected items, by what they are, over all uploads of a run.
fn totals(ended: &Ended) -> BTreeMap<String, [u64; 4]> {
    let mut totals = BTreeMap::new();
    for line in ended.stdout.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        let noun = object["imported"].as_str().unwrap().to_owned();
        let total: &mut [u64; 4] = totals.entry(noun).or_default();
        let names = ["created", "updated", "unchanged", "rejected"];
        for (sum, name) in total.iter_mut().zip(names) {
            *sum += object[format!("{name}_count")].as_u64().unwrap();
        }
    }
    totals
}

/// Tries an import, runs it, and does both again. The totals of both runs.
#[track_caller]
fn as_tried(space: &Workspace, import: &str) -> [BTreeMap<String, [u64; 4]>; 2] {
    let run = |flag: &str| {
        let ended = space.run(&format!("{import} --format json{flag}"));
        assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.stderr);
        totals(&ended)
    };
    [(); 2].map(|()| {
        let tried = run(" --dry-run");
        let done = run("");
        assert_eq!(tried, done);
        done
    })
}

#[test]
fn files_with_other_fields_change_what_a_dry_run_says() {
    let space = Workspace::of("other-fields");
    let companies = space.file(
        "companies.csv",
        "Record ID,Company name\n9001,Paper Mill\n9002,Bakery\n9002,Bakery\n",
    );
    let persons = space.file(
        "contacts.csv",
        "Record ID,First Name,Last Name,Email,Associated Company,Associated Company IDs,Interests\n\
         1,Ada,W,ada@example.com,Paper Mill,9001,Fairs;Paper\n\
         2,No,Mail,,New Co,9010,Fairs\n3,,,,,,Fairs\n4,Gone,Co,,,9999,Paper\n5,Bad,Mail,nowhere,Bad Co,9011,Odd\n",
    );
    let import = format!("import from hubspot {persons} {companies} --group-column Interests");
    let [first, second] = as_tried(&space, &import);
    assert_eq!(first["contacts"], [6, 0, 1, 3]);
    assert_eq!(second["contacts"], [0, 0, 7, 3]);
    assert_eq!(second["memberships"], [0, 0, 3, 0]);
    // The file of companies has no addresses, so that one stays.
    let email =
        "id,email\nhubspot:company:9001,office@example.com\nhubspot:company:9010,new@example.com\n";
    let email = space.file("email.csv", email);
    space.succeeds(&format!("import contacts {email}"));
    let before = space.contacts();
    let [third, _] = as_tried(&space, &import);
    assert_eq!(third, second);
    assert_eq!(space.contacts(), before);
    // Renamed there.
    let text = "Record ID,Company name\n9001,Paper Mills\n";
    space.file("companies.csv", text);
    let [renamed, _] = as_tried(&space, &import);
    assert_eq!(renamed["contacts"], [0, 1, 4, 3]);
}

#[test]
fn rows_about_one_contact_in_several_files_are_one_contact() {
    let space = Workspace::of("several-rows");
    let subscribed = space.file(
        "subscribed_1.csv",
        "Email Address,First Name,Last Name,TAGS\nre@example.com,Re,Sub,VIP\nada@example.com,Ada,W,\n\
         twice@example.com,Two,Times,VIP\n",
    );
    let unsubscribed = space.file(
        "unsubscribed_1.csv",
        &format!(
            "Email Address,First Name,Last Name,UNSUB_TIME,TAGS\nRE@example.com,Re,Subbed,2026-01-01,Old\n\
             twice@example.com,{},Times,2026-01-01,Late\n",
            "x".repeat(101)
        ),
    );
    let import = format!("import from mailchimp {subscribed} {unsubscribed}");
    let tried = space.run(&format!("{import} --dry-run"));
    let note = format!("in line 2 of {subscribed} and line 2 of {unsubscribed}");
    assert!(tried.stdout.contains(&note), "{}", tried.stdout);
    let [first, second] = as_tried(&space, &import);
    assert_eq!(first["contacts"], [3, 0, 1, 1]);
    // The last of two rows that differ restores what the first changes.
    assert_eq!(second["contacts"], [0, 0, 4, 1]);
    assert_eq!(first["memberships"], [3, 0, 0, 0]);
    assert_eq!(second["memberships"], [0, 0, 3, 0]);
    let all = space.contacts();
    let row = |part: &str| all.iter().find(|it| it.contains(part)).unwrap();
    assert!(row("Re Subbed").ends_with(",true,false"));
    assert!(row("Two Times").ends_with(",true,false"));
}

#[test]
fn persons_find_their_companies_in_a_later_file() {
    let space = Workspace::of("later-companies");
    let persons = space.file(
        "p.csv",
        "No.,Type,Name,Company No.\nP1,Person,Ada,C1\nP2,Person,Bob,C2\n",
    );
    let companies = space.file("c.csv", "No.,Type,Name\nC1,Company,Paper Mill\n");
    let more = space.file("d.csv", "No.,Type,Name,Company No.\nC2,Company,Bakery,C2\n");
    let import = format!("import from business-central {persons} {companies} {more}");
    let [first, second] = as_tried(&space, &import);
    assert_eq!(first["contacts"], [4, 0, 0, 0]);
    assert_eq!(second["contacts"], [0, 0, 4, 0]);
}

#[test]
fn flags_without_an_effect_are_refused_and_missing_groups_are_said() {
    let space = Workspace::of("no-effect");
    let groups = space.file("g.csv", "Code,Description\nMOVE,Move\n");
    let central = format!("import from business-central {groups}");
    for flag in [
        "--group VIP",
        "--group-column VIP",
        "--exclude-from-segments",
    ] {
        let name = flag.split(' ').next().unwrap();
        let words = format!("{name} is for contacts, and no file has any: mailing groups");
        fails(&space.run(&format!("{central} {flag}")), 1, &[&words]);
    }
    fails(
        &space.run(&format!("{central} --group=")),
        2,
        &["the name of a group is not empty"],
    );
    let list = space.file("s.csv", "uuid,email,name\na1,a@example.com,A\n");
    // As many write it.
    let ended = space.succeeds(&format!("import --from listmonk {list}"));
    prints(
        &ended,
        &[
            "no groups: --group NAME gives one to all contacts, and --group-column COLUMN reads their names",
        ],
    );
    assert_eq!(
        counts(&ended),
        ["1 contact: 1 created, 0 updated, 0 unchanged, 0 rejected"]
    );
    let again = space.succeeds(&format!("import --from=listmonk {list}"));
    assert_eq!(
        counts(&again),
        ["1 contact: 0 created, 0 updated, 1 unchanged, 0 rejected"]
    );
}

#[test]
fn a_company_that_cannot_be_made_rejects_its_persons_once() {
    let space = Workspace::of("long-company");
    let text = format!(
        "Email Address,First Name,Last Name,Company\nada@example.com,Ada,W,{}\nbo@example.com,Bo,H,Mill\n",
        "x".repeat(101)
    );
    let file = space.file("subscribed.csv", &text);
    let [first, _] = as_tried(&space, &format!("import from mailchimp {file}"));
    assert_eq!(first["contacts"], [2, 0, 0, 1]);
    let tried = space.run(&format!("import from mailchimp {file} --dry-run"));
    let reason = format!(
        "the first: {file}, line 2: company_id (in `company`): the name of the company must have at \
         most 100 characters; it has 101"
    );
    assert!(tried.stdout.contains(&reason), "{}", tried.stdout);
}

#[test]
fn files_without_an_attribute_leave_it_as_it_is() {
    let space = Workspace::of("other-attributes");
    let file = "id = \"Id\"\nkind = \"PERSON\"\nname = \"Name\"\n";
    let mapping = space.file(
        "own.toml",
        &format!(
            "title = \"own\"\n[[file]]\ntitle = \"with\"\n{file}attributes = {{ territory = \"Region\" }}\n\
             [[file]]\ntitle = \"without\"\n{file}"
        ),
    );
    let with = space.file("with.csv", "Id,Name,Region\n1,Ada,CH\n2,Bob,\n");
    let without = space.file("without.csv", "Id,Name\n3,Eve\n");
    let import = format!("import from {mapping} {with} {without}");
    let [first, _] = as_tried(&space, &import);
    assert_eq!(first["contacts"], [3, 0, 0, 0]);
    space.succeeds("contact update 3 --attribute territory=FR");
    let before = space.contacts();
    let [again, _] = as_tried(&space, &import);
    assert_eq!(again["contacts"], [0, 0, 3, 0]);
    assert_eq!(space.contacts(), before);
}
