//! Encodings, separators, and rows that cannot be imported.

use std::fs;

use super::{Service, Workspace, contacts, counts, fails, having, last, prints, scratch, write};

/// Contacts of Business Central in German, as Excel for Windows writes `CSV`.
const GERMAN: &str = "Nr.;Art;Name;Unternehmensnr.;E-Mail;Datenschutz gesperrt\r\n\
    K1;Unternehmen;Müller & Söhne;K1;info@mueller.example.com;Nein\r\n\
    K2;Person;\"Groß; Jörg\";K1;joerg@mueller.example.com;Ja\r\n";

/// Western Latin letters are the same numbers in windows-1252 and in Unicode.
fn windows_1252(text: &str) -> Vec<u8> {
    text.chars().map(|it| u8::try_from(it).unwrap()).collect()
}

#[test]
fn text_that_is_not_utf_8_is_refused_until_the_encoding_is_named() {
    let (service, folder) = (Service::shared(), scratch());
    let file = folder.path().join("kontakte.csv");
    fs::write(&file, windows_1252(GERMAN)).unwrap();
    let import = |tenant: &str, flags: &str| {
        let command = format!("import from business-central {}{flags}", file.display());
        service.run(tenant, &command)
    };
    let refused = import("german", "");
    fails(
        &refused,
        1,
        &[
            "kontakte.csv: line 2 is not UTF-8",
            "--encoding windows-1252",
        ],
    );
    fails(
        &import("german", " --encoding latin-9000"),
        2,
        &["windows-1252"],
    );
    fails(
        &import("german", " --encoding shift_jis"),
        1,
        &["line 2 is no Shift_JIS text"],
    );
    assert!(contacts(&service, "german").is_empty());
    let expected = [
        "K1,COMPANY,Müller & Söhne,,info@mueller.example.com,false,false",
        "K2,PERSON,Groß; Jörg,K1,joerg@mueller.example.com,false,true",
    ];
    let imported = import("german", " --encoding windows-1252");
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    assert_eq!(contacts(&service, "german"), expected);
    // A byte order mark says it by itself.
    let units: Vec<_> = format!("\u{feff}{GERMAN}").encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|it| it.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|it| it.to_be_bytes()).collect();
    let marked = format!("\u{feff}{GERMAN}").into_bytes();
    for (tenant, bytes) in [
        ("german-le", little),
        ("german-be", big),
        ("german-utf8", marked),
    ] {
        fs::write(&file, bytes).unwrap();
        let imported = import(tenant, "");
        assert_eq!(imported.code, Some(0), "{}", imported.stderr);
        assert_eq!(contacts(&service, tenant), expected);
    }
}

#[test]
fn the_imports_of_our_own_columns_read_other_encodings_too() {
    let (service, folder) = (Service::shared(), scratch());
    let file = folder.path().join("c.csv");
    let text = "id;kind;name\r\nP1;PERSON;Jörg Groß\r\n";
    fs::write(&file, windows_1252(text)).unwrap();
    let import = format!("import contacts {} --delimiter ;", file.display());
    let refused = service.run("own-columns", &format!("{import} --dry-run"));
    assert_eq!(refused.code, Some(3));
    let named = service.run("own-columns", &format!("{import} --encoding windows-1252"));
    assert_eq!(named.code, Some(0), "{}", named.stderr);
    let units = format!("\u{feff}{text}");
    let bytes: Vec<u8> = units.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&file, bytes).unwrap();
    let same = service.run("own-columns", &import);
    assert_eq!(
        counts(&same),
        ["1 contact: 0 created, 0 updated, 1 unchanged, 0 rejected"]
    );
}

#[test]
fn a_workbook_is_refused_with_what_to_do() {
    let (service, folder) = (Service::shared(), scratch());
    let file = folder.path().join("contacts.xlsx");
    fs::write(&file, b"PK\x03\x04and more").unwrap();
    let import = format!("import from hubspot {}", file.display());
    fails(
        &service.run("workbook", &import),
        1,
        &["an .xlsx workbook", "Save As, `CSV UTF-8`"],
    );
}

#[test]
fn a_wrong_row_is_rejected_once_with_its_memberships() {
    let (service, tenant, folder) = (Service::shared(), "wrong-rows", scratch());
    let text = "\u{feff}uuid,email,name,status,lists\r\n\
        a1,a@example.com,\"Two\r\nlines\",enabled,\"News,VIP\"\r\n\
        a1,a@example.com,Last,blocklisted,News\r\n\
        ,b@example.com,B,enabled,News\r\n\
        a3,no address,C,enabled,News\r\n\
        a4,d@example.com,D,enabled\r\n\
        a5,e@example.com,E,enabled,VIP\r\n\
        a1,a@example.com,Last,enabled,News\r\n";
    let file = write(folder.path(), "s.csv", text);
    let import = format!("import from listmonk {file}");
    for flag in [" --dry-run", ""] {
        let ended = service.run(tenant, &format!("{import}{flag}"));
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        let counts = counts(&ended);
        assert_eq!(
            counts[2], "5 memberships: 3 assigned, 2 already there, 0 rejected",
            "{}",
            ended.stdout
        );
        assert!(counts[1].ends_with("3 rejected"), "{}", ended.stdout);
        assert!(
            !last(&ended.stdout).contains("memberships.rejected"),
            "{}",
            ended.stdout
        );
        prints(&ended, &["marked contacts: 1 privacy_blocked"]);
    }
    let rejected = fs::read_to_string(folder.path().join("s.rejected.csv")).unwrap();
    let lines: Vec<_> = rejected.lines().skip(1).collect();
    assert!(
        lines[0].starts_with("5,id (in `uuid`): must not be empty,"),
        "{rejected}"
    );
    assert!(lines[1].starts_with("6,email: must be "), "{rejected}");
    assert!(
        lines[2].starts_with("7,\"the row has 4 fields, the header has 5\","),
        "{rejected}"
    );
    assert_eq!(lines.len(), 3);
    assert_eq!(having(&service, tenant, "NEWS"), ["a@example.com"]);
    // An objection in any of several rows counts.
    let expected = [
        "a1,PERSON,Last,,a@example.com,false,true",
        "a5,PERSON,E,,e@example.com,false,false",
    ];
    assert_eq!(contacts(&service, tenant), expected);
}

#[test]
fn an_import_is_continued_by_its_id_with_the_same_files_only() {
    let (service, tenant, folder) = (Service::shared(), "continued-from", scratch());
    let text = "uuid,email,name,status\na1,a@example.com,A,enabled\n";
    let file = write(folder.path(), "s.csv", text);
    let import = format!("import from listmonk {file} --group News --import-id mine");
    for _ in 0..2 {
        let ended = service.run(tenant, &import);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(
            counts(&ended)[1],
            "1 contact: 1 created, 0 updated, 0 unchanged, 0 rejected"
        );
    }
    let other = format!("{import} --exclude-from-segments");
    fails(&service.run(tenant, &other), 1, &["mine.contacts0"]);
}

#[test]
fn rejected_rows_need_a_folder_and_files_are_named_once() {
    let (service, folder) = (Service::shared(), scratch());
    let file = write(
        folder.path(),
        "s.csv",
        "uuid,email,name\na1,a@example.com,A\n",
    );
    let import = format!("import from listmonk {file}");
    let rejected = format!("{import} --rejected {}/none", folder.path().display());
    fails(&service.run("misused", &rejected), 1, &["is no folder"]);
    fails(
        &service.run("misused", &format!("{import} {file}")),
        2,
        &["is named twice"],
    );
}

#[test]
fn rejected_rows_of_files_with_the_same_name_are_kept_apart() {
    let (service, tenant, folder) = (Service::shared(), "same-names", scratch());
    let path = folder.path();
    for name in ["a", "b", "out"] {
        fs::create_dir(path.join(name)).unwrap();
    }
    let text = |name: &str| format!("uuid,email,name\n{name},no address,A\n");
    let one = write(&path.join("a"), "s.csv", &text("a1"));
    let two = write(&path.join("b"), "s.csv", &text("b1"));
    // The rejected rows of this one have the name that those of the second one would have.
    let three = write(&path.join("a"), "s.2.csv", &text("c1"));
    let out = path.join("out");
    let import = format!("import from listmonk {one} {two} {three}");
    let ended = service.run(tenant, &format!("{import} --rejected {}", out.display()));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    for (name, id) in [
        ("s.rejected.csv", "a1"),
        ("s.2.rejected.csv", "b1"),
        ("s.2.2.rejected.csv", "c1"),
    ] {
        let text = fs::read_to_string(out.join(name)).unwrap();
        assert!(
            text.lines().count() == 2 && text.contains(&format!(",{id},")),
            "{name}: {text}"
        );
    }
    // A corrected file, which is imported beside the first one, is not replaced.
    let corrected = write(
        &path.join("b"),
        "s.rejected.csv",
        "line,reason,uuid,email,name\n2,,b1,b@example.com,A\n",
    );
    let ended = service.run(tenant, &format!("import from listmonk {two} {corrected}"));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(
        fs::read_to_string(&corrected)
            .unwrap()
            .contains("b@example.com")
    );
    assert!(path.join("b/s.2.rejected.csv").exists());
    // The same file by another path.
    let twice = format!("import from listmonk {one} {}/b/../a/s.csv", path.display());
    fails(&service.run(tenant, &twice), 2, &["is named twice"]);
}

#[test]
fn rows_without_a_group_are_rejected_where_there_is_nothing_else() {
    let space = Workspace::of("no-codes");
    let groups = space.file(
        "g.csv",
        "Code;Beschreibung\nUMZUG;Umzug\n;Ohne\n\"VIP;Offen\nMOVE;Move\n",
    );
    let members = space.file("m.csv", "Kontaktnr.;Verteilercode\nK1;UMZUG\nK1;\n;UMZUG\n");
    let contacts = space.file(
        "c.csv",
        "Nr.;Art;Name;E-Mail;E-Mail\nK1;Person;A;a@example.com;\nK2;Firma;B;;\n",
    );
    let import = format!("import from business-central {groups} {members} {contacts}");
    for flag in [" --dry-run", ""] {
        let ended = space.run(&format!("{import}{flag}"));
        assert_eq!(
            counts(&ended),
            [
                "4 mailing groups: 2 created, 0 updated, 0 unchanged, 2 rejected",
                "2 contacts: 1 created, 0 updated, 0 unchanged, 1 rejected",
                "3 memberships: 1 assigned, 0 already there, 2 rejected",
            ],
            "{}{}",
            ended.stdout,
            ended.stderr
        );
        let repeated = "contacts, 2 rows; not imported: e-mail; several columns are named e-mail: the first is \
             imported; no column says whom to mark with exclude_from_segments, privacy_blocked";
        assert!(ended.stdout.contains(repeated), "{}", ended.stdout);
    }
    for (name, line) in [
        ("g", "3;code: must not be empty;"),
        ("g", "4;a quote opened in line 4 is not closed;"),
        ("m", "3;code (in `verteilercode`): must not be empty;K1;"),
        ("m", "4;id (in `kontaktnr.`): must not be empty;;"),
        (
            "c",
            "3;kind (in `art`): `Firma` is none of Company, Unternehmen, Person;",
        ),
    ] {
        let path = space.folder.path().join(format!("{name}.rejected.csv"));
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(line), "{name}: {text}");
    }
}
