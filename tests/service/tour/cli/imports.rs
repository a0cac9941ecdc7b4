//! Imports and exports of files.

use std::{fs, path::Path};

use super::{fails, last, write};
use crate::{support::scratch, tour::service::Service};

#[test]
fn an_import_can_be_counted_and_repeated() {
    let service = Service::shared();
    let import = || service.run("repeated", "import folder examples");
    let first = import();
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let lines: Vec<_> = first.stdout.lines().collect();
    let made = [
        "4 mailing groups: 4 created",
        "12 contacts: 12 created",
        "20 memberships: 20 assigned",
    ];
    assert!(
        lines
            .iter()
            .zip(made)
            .all(|(line, made)| line.starts_with(made)),
        "{lines:?}"
    );

    let count = "count * --include-excluded --include-privacy-blocked --format json";
    let counted: serde_json::Value =
        serde_json::from_str(&service.run("repeated", count).stdout).unwrap();
    assert_eq!(counted["member_count"], 12);
    assert_eq!(
        (&counted["company_count"], &counted["person_count"]),
        (&3.into(), &9.into())
    );
    assert_eq!(
        (
            &counted["excluded_count"],
            &counted["privacy_blocked_count"]
        ),
        (&0.into(), &0.into())
    );

    let second = import();
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    let same = [
        "4 unchanged, 0 rejected",
        "12 unchanged, 0 rejected",
        "20 already there, 0 rejected",
    ];
    let lines: Vec<_> = second.stdout.lines().collect();
    assert!(
        lines
            .iter()
            .zip(same)
            .all(|(line, same)| line.contains(same)),
        "{lines:?}"
    );
    let again: serde_json::Value =
        serde_json::from_str(&service.run("repeated", count).stdout).unwrap();
    assert_eq!(
        again, counted,
        "an import of what is there makes no revision"
    );
}

#[test]
fn written_members_can_be_imported_into_another_tenant() {
    let service = Service::shared();
    let folder = scratch();
    assert_eq!(
        service.run("origin", "import folder examples").code,
        Some(0)
    );
    let everyone = "members * --include-excluded --include-privacy-blocked";
    let first = folder.path().join("contacts.csv");
    let written = service.run(
        "origin",
        &format!("{everyone} --output {}", first.display()),
    );
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""));
    assert!(
        written
            .stderr
            .starts_with("12 members (3 companies, 9 persons)")
    );

    let copied = service.run("copy", &format!("import contacts {}", first.display()));
    assert_eq!(copied.code, Some(0), "{}", copied.stderr);
    let copy = service.run("copy", everyone);
    assert_eq!(copy.stdout, fs::read_to_string(first).unwrap());

    let lines = service.run("origin", "members MOVE --format jsonl").stdout;
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["id"], &first["kind"]),
        (&"C100".into(), &"COMPANY".into())
    );
}

/// The files of a folder, and how many there are.
fn files(folder: &Path) -> ([String; 3], usize) {
    let names = ["mailing_groups.csv", "contacts.csv", "memberships.csv"];
    let texts = names.map(|name| fs::read_to_string(folder.join(name)).unwrap());
    (texts, fs::read_dir(folder).unwrap().count())
}

#[test]
fn an_export_and_an_import_copy_a_tenant_with_any_text() {
    let service = Service::shared();
    let folder = scratch();
    // A name may hold a separator of lines, but not what ends a line in a file.
    let groups =
        "code,description\nTAB,=1+1\nÉTÉ,\"  Sun, \"\"sea\"\" and;sand \"\n移転,引っ越し\n";
    let contacts = "id,kind,name,company_id,email,exclude_from_segments,privacy_blocked,attributes\n\
        Z.1,COMPANY,\"\"\"Müller, Söhne\"\" & Co\",,,false,false,\n\
        a:9,COMPANY,=SUM(A1),,o'neil+x@example.com,true,false,\"{\"\"city\"\":\"\"Zürich, \\\"\"x\\\"\"\"\"}\"\n\
        P-2,PERSON,Ζωή\u{2028}O'Neil,Z.1,zoë@example.org,false,true,\n\
        _x,PERSON,\"no,no\",,\"a,b@example.org\",true,true,\n\
        P-1,PERSON,東京,a:9,,false,false,\"{\"\"a\"\":\"\"1\"\",\"\"b\"\":\"\"=2\"\"}\"\n";
    let memberships = "contact_id,code\nZ.1,TAB\n_x,TAB\nP-2,ÉTÉ\nP-2,移転\n";
    write(folder.path(), "mailing_groups.csv", groups);
    write(folder.path(), "contacts.csv", contacts);
    write(folder.path(), "memberships.csv", memberships);
    let run = |what: &str, folder: &Path, tenant: &str| {
        let ended = service.run(tenant, &format!("{what} folder {}", folder.display()));
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        ended.stdout
    };
    run("import", folder.path(), "awkward");
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    let output = run("export", &first, "awkward");
    let counts = "3 mailing groups, 5 contacts, 4 memberships at revision ";
    assert!(output.starts_with(counts), "{output}");
    let (written, count) = files(&first);
    assert_eq!(count, 3);
    assert_eq!(written[..2], [groups, contacts]);
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[1..].sort();
        lines
    };
    assert_eq!(sorted(&written[2]), sorted(memberships));

    run("import", &first, "awkward-copy");
    run("export", &second, "awkward-copy");
    assert_eq!(files(&second).0, written);
}

#[test]
fn an_empty_export_has_three_headers() {
    let service = Service::shared();
    let folder = scratch();
    let export = format!("export folder {}", folder.path().display());
    let ended = service.run("nobody", &export);
    assert_eq!(
        ended.stdout,
        "0 mailing groups, 0 contacts, 0 memberships at revision 0\n"
    );
    let lines = files(folder.path()).0.map(|text| text.lines().count());
    assert_eq!(lines, [1, 1, 1]);
    let output = ["mailing_groups.csv", "--force"];
    fails(&service.run("nobody", &export), 1, &output);
}

#[test]
fn rejected_rows_keep_their_order_and_the_others_are_imported() {
    let service = Service::shared();
    let folder = scratch();
    // Many at once, every third of them wrong, each in its own way.
    let row = |n: usize| match n % 6 {
        0 => format!("G-{n},no hyphen\n"),
        3 => format!("G{n},{}\n", "x".repeat(101)),
        5 if n.is_multiple_of(5) => format!("G{n}\n"),
        _ => format!("G{n},fine\n"),
    };
    let wrong = |n: &usize| n.is_multiple_of(3) || (n % 6 == 5 && n.is_multiple_of(5));
    let rows: String = (1..=300).map(row).collect();
    let file = write(
        folder.path(),
        "groups.csv",
        &format!("code,description\n{rows}"),
    );
    let ended = service.run("rejecting", &format!("import groups {file}"));
    let wrong: Vec<usize> = (1..=300).filter(wrong).collect();
    let rejected = folder.path().join("groups.rejected.csv");
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let (count, path) = (wrong.len(), rejected.display());
    let summary = format!("{count} rejected rows, with line and reason: {path}");
    assert_eq!(last(&ended.stdout), summary);
    let text = fs::read_to_string(&rejected).unwrap();
    let lines = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap());
    let lines: Vec<usize> = lines
        .map(|line| line.parse::<usize>().unwrap() - 1)
        .collect();
    assert_eq!(lines, wrong);
    assert!(text.contains("4,mailing_group.description: must have at most 100 characters"));

    // Corrected, the file of rejected rows is what is imported next.
    let corrected = text.replace("G-", "G").replace(&"x".repeat(101), "short");
    let corrected: String = corrected
        .lines()
        .map(|line| match line.contains("the row has 1 field") {
            true => format!("{line},late\n"),
            false => format!("{line}\n"),
        })
        .collect();
    let file = write(folder.path(), "corrected.csv", &corrected);
    let ended = service.run("rejecting", &format!("import groups {file}"));
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(
        ended
            .stdout
            .contains(&format!("{count} created, 0 updated, 0 unchanged"))
    );
}

#[test]
fn a_file_of_many_rows_is_imported_completely() {
    let service = Service::shared();
    let folder = scratch();
    let contacts: String = (0..20_000)
        .map(|n| match n % 10 {
            0 => format!("C{n},COMPANY,Company {n},\n"),
            _ => format!("P{n},PERSON,Person {n},C{}\n", n / 10 * 10),
        })
        .collect();
    let id = |n: usize| {
        if n.is_multiple_of(10) {
            format!("C{n}")
        } else {
            format!("P{n}")
        }
    };
    let memberships: String = (0..20_000)
        .flat_map(|n| [(2, "EVEN"), (3, "THIRD")].map(|(by, code)| (n, n % by, code)))
        .filter(|(_, rest, _)| *rest == 0)
        .map(|(n, _, code)| format!("{},{code}\n", id(n)))
        .collect();
    write(
        folder.path(),
        "mailing_groups.csv",
        "code,description\nEVEN,\nTHIRD,\n",
    );
    write(
        folder.path(),
        "contacts.csv",
        &format!("id,kind,name,company_id\n{contacts}"),
    );
    write(
        folder.path(),
        "memberships.csv",
        &format!("contact_id,code\n{memberships}"),
    );
    let ended = service.run(
        "many",
        &format!("import folder {}", folder.path().display()),
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let both = service.run("many", "count EVEN&THIRD --format json").stdout;
    let both: serde_json::Value = serde_json::from_str(&both).unwrap();
    assert_eq!(
        (&both["member_count"], &both["company_count"]),
        (&3_334.into(), &667.into())
    );
    let ids = service.run("many", "members EVEN&!THIRD --view ids").stdout;
    let ids: Vec<_> = ids.lines().skip(1).collect();
    let mut expected: Vec<_> = (0..20_000)
        .filter(|n| *n % 2 == 0 && *n % 3 != 0)
        .map(id)
        .collect();
    // Companies were created before persons.
    expected.sort_by_key(|id| id.starts_with('P'));
    assert_eq!(ids, expected);
}
