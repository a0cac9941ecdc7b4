//! What the flags and the content of the files change in an import.

use std::{fs, io::Write, path::Path, process::Stdio};

use super::{fails, last, write};
use crate::{
    support::{program::command, scratch},
    tour::service::{Ended, Service},
};

/// Imports a file of contacts, and returns its output.
fn contacts(service: &Service, tenant: &str, folder: &Path, text: &str, flags: &str) -> Ended {
    let file = write(folder, "c.csv", text);
    service.run(tenant, format!("import contacts {file} {flags}").trim_end())
}

/// The contacts of a tenant, without the header. They have no attributes.
fn rows(service: &Service, tenant: &str) -> Vec<String> {
    let everyone = "members * --include-excluded --include-privacy-blocked";
    let written = service.run(tenant, everyone).stdout;
    let row = |line: &str| line.strip_suffix(',').unwrap().to_owned();
    written.lines().skip(1).map(row).collect()
}

#[test]
fn an_import_changes_the_columns_of_the_file_and_flags_only_by_a_value() {
    let (service, folder) = (Service::shared(), scratch());
    let import = |text| {
        let ended = contacts(&service, "columns", folder.path(), text, "");
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    };
    import(
        "id,kind,name,email,exclude_from_segments,privacy_blocked\n\
         C1,COMPANY,One,one@example.com,yes,\nP1,PERSON,Ada,ada@example.com,,1\n",
    );
    import("email,id\n,C1\nnew@example.com,P1\n");
    assert_eq!(
        rows(&service, "columns"),
        [
            "C1,COMPANY,One,,,true,false",
            "P1,PERSON,Ada,,new@example.com,false,true"
        ]
    );
    import("id,company_id,exclude_from_segments,privacy_blocked\nC1,,,\nP1,C1,true,no\n");
    assert_eq!(
        rows(&service, "columns"),
        [
            "C1,COMPANY,One,,,true,false",
            "P1,PERSON,Ada,C1,new@example.com,true,false"
        ]
    );
    // A new contact needs a kind and a name.
    let ended = contacts(
        &service,
        "columns",
        folder.path(),
        "id,email\nP2,x@y\n",
        "--rejected -",
    );
    fails(&ended, 3, &[]);
    assert!(ended.stdout.contains("\n2,\"kind: "), "{}", ended.stdout);
}

#[test]
fn a_dry_run_counts_outcomes_and_changes_nothing() {
    let (service, folder) = (Service::shared(), scratch());
    let import = |folder: &str, flags: &str| {
        let ended = service.run("dry", &format!("import folder {folder} --dry-run{flags}"));
        let lines: Vec<_> = ended.stdout.lines().map(str::to_owned).collect();
        (ended.code, lines)
    };
    let (code, lines) = import("examples", "");
    assert_eq!(code, Some(3), "{lines:?}");
    assert!(
        lines[0].starts_with("dry run: 4 mailing groups: 4 created, 0 updated, 0 unchanged, 0 ")
    );
    assert!(lines[1].starts_with("dry run: 12 contacts: 12 created, 0 updated, 0 unchanged, 0 "));
    // Their groups and contacts were not created.
    assert!(
        lines[2].starts_with("dry run: 20 memberships: 0 assigned, 0 already there, 20 rejected")
    );
    assert_eq!(
        lines[3],
        "20 rejected rows; --rejected writes them, with line and reason; the first: \
         examples/memberships.csv, line 2: UNKNOWN_CONTACT: there is no such contact"
    );
    assert!(!Path::new("examples/memberships.rejected.csv").exists());
    assert_eq!(
        service
            .run("dry", "count *")
            .stdout
            .split(" at revision 0")
            .count(),
        2
    );

    assert_eq!(service.run("dry", "import folder examples").code, Some(0));
    let path = folder.path().display().to_string();
    write(
        folder.path(),
        "mailing_groups.csv",
        "code,description\nMove ,Office move to Harbour Street\nGIFT,New\nNEW,\nnew,x\n NO!,x\n",
    );
    write(
        folder.path(),
        "contacts.csv",
        "id,name\nC100,Renamed\nC200,Orchard & Sons Bakery\nP999,Who\n",
    );
    write(
        folder.path(),
        "memberships.csv",
        "contact_id,code\nC100,MOVE\nP202,MOVE\n",
    );
    let before = rows(&service, "dry");
    let (code, lines) = import(&path, " --rejected -");
    assert_eq!(code, Some(3), "{lines:?}");
    let counts: Vec<_> = lines
        .iter()
        .filter(|it| it.starts_with("dry run"))
        .collect();
    for (line, counts) in counts.iter().zip([
        "5 mailing groups: 1 created, 2 updated, 1 unchanged, 1 rejected; ",
        "3 contacts: 0 created, 1 updated, 1 unchanged, 1 rejected; ",
        "2 memberships: 1 assigned, 1 already there, 0 rejected; ",
    ]) {
        assert!(line.starts_with(&format!("dry run: {counts}")), "{line}");
        assert!(!line.contains("revision"), "{line}");
    }
    assert!(lines[1].starts_with("6,mailing_group.code: "), "{lines:?}");
    assert_eq!(rows(&service, "dry"), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn an_import_id_stands_for_one_file() {
    let (service, folder) = (Service::shared(), scratch());
    let import = |text| contacts(&service, "named", folder.path(), text, "--import-id mine");
    let text = "id,kind,name\nC1,COMPANY,One\nbad id,COMPANY,x\n";
    let first = import(text);
    fails(&first, 3, &[]);
    assert!(
        first.stdout.starts_with("2 contacts: 1 created, "),
        "{}",
        first.stdout
    );
    let rejected = fs::read_to_string(folder.path().join("c.rejected.csv")).unwrap();
    // The totals of the first run, and its rejected rows.
    let again = import(text);
    fails(&again, 3, &[]);
    assert!(
        again.stdout.starts_with("2 contacts: 1 created, "),
        "{}",
        again.stdout
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("c.rejected.csv")).unwrap(),
        rejected
    );
    for other in [
        "id,kind,name\nC1,COMPANY,One\nC2,COMPANY,x\n",
        "id,kind\nC1,COMPANY\n",
    ] {
        fails(&import(other), 1, &["FAILED_PRECONDITION"]);
    }
    assert_eq!(rows(&service, "named"), ["C1,COMPANY,One,,,false,false"]);
}

#[test]
fn a_folder_is_imported_with_the_flags_of_its_files() {
    let (service, folder, rejected) = (Service::shared(), scratch(), scratch());
    let path = folder.path().display().to_string();
    write(folder.path(), "Memberships.csv", "contact_id;code\n");
    write(folder.path(), "contacts.rejected.csv", "precious");
    let none = service.run("flags", &format!("import folder {path}"));
    fails(
        &none,
        1,
        &[
            "contains none of mailing_groups.csv, ",
            "; found Memberships.csv\n",
        ],
    );
    write(
        folder.path(),
        "contacts.csv",
        "id;kind;name\nC1;COMPANY;One\nbad id;COMPANY;x\n",
    );
    let rejected = rejected.path().display().to_string();
    let flags = format!("--delimiter ; --rejected {rejected} --chunk 1 --import-id f");
    let ended = service.run("flags", &format!("import folder {path} {flags}"));
    let missing = format!("no memberships.csv in {path}; found Memberships.csv\n");
    fails(&ended, 3, &["no mailing_groups.csv in ", &missing]);
    let written = fs::read_to_string(format!("{rejected}/contacts.rejected.csv")).unwrap();
    assert!(
        written.starts_with("line;reason;id;kind;name\n3;\"id: "),
        "{written}"
    );
    assert_eq!(
        fs::read_to_string(format!("{path}/contacts.rejected.csv")).unwrap(),
        "precious"
    );
    // One id stands for the imports of all files.
    let again = service.run("flags", &format!("import folder {path} {flags}"));
    assert!(
        again.stdout.starts_with("2 contacts: 1 created, "),
        "{}",
        again.stdout
    );
    let file = format!("{path}/contacts.csv");
    let ended = service.run("flags", &format!("import folder {path} --rejected {file}"));
    fails(&ended, 1, &["contacts.csv (--rejected) is no folder"]);
    fails(
        &service.run("flags", "import folder /nowhere"),
        1,
        &["cannot read /nowhere: "],
    );
}

#[test]
fn the_last_of_contradicting_rows_counts_and_the_summary_names_them() {
    let (service, folder) = (Service::shared(), scratch());
    let text = "id,kind,name\nX,PERSON,Person\nX,COMPANY,Company\nY,COMPANY,Company\n\
                Y,PERSON,Person\nY,PERSON,Person\nZ,PERSON,One\nZ,PERSON,Two\n";
    let ended = contacts(&service, "twice", folder.path(), text, "");
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(
        ended.stdout.starts_with("7 contacts: 3 created, "),
        "{}",
        ended.stdout
    );
    assert_eq!(
        last(&ended.stdout),
        "3 rows have other values than an earlier row of the same id; the last row counts: \
         X in lines 2 and 3, Y in lines 4 and 5, Z in lines 7 and 8"
    );
    let mut found = rows(&service, "twice");
    found.sort();
    let row = |start: &str| format!("{start},,,false,false");
    assert_eq!(
        found,
        ["X,COMPANY,Company", "Y,PERSON,Person", "Z,PERSON,Two"].map(row)
    );
}

#[test]
fn a_closed_stdout_ends_no_command_with_an_error() {
    let (service, folder) = (Service::shared(), scratch());
    let endpoint = service.endpoint();
    let rows: String = (0..2_000)
        .map(|n| format!("bad id {n},COMPANY,x\n"))
        .collect();
    let text = format!("id,kind,name\nC1,COMPANY,One\n{rows}C2,COMPANY,Two\n");
    let copy = folder.path().join("copy").display().to_string();
    for (arguments, code) in [
        ("import contacts - --rejected -", 3),
        ("members * --include-excluded", 0),
        ("members * --format jsonl --view ids", 0),
        ("count * --format json", 0),
        (&format!("export folder {copy}"), 0),
        ("segment list", 0),
        ("watch --from beginning", 0),
        ("import --help", 0),
    ] {
        let flags = ["--tenant", "closed", "--endpoint", &endpoint];
        let words = arguments.split(' ').chain(flags);
        let mut command = command(words);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        // The command may end before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        let ended = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{arguments}: {stderr}");
    }
    assert!(
        service
            .run("closed", "count *")
            .stdout
            .starts_with("2 members")
    );
}
