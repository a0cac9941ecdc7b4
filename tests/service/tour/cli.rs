//! The command line from end to end.

use std::{fs, net::TcpListener, path::Path, process::Stdio};

use super::service::{Ended, Service, run};
use crate::support::{program::command, scratch};

/// The last line of what a command printed.
fn last(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[track_caller]
fn fails(ended: &Ended, code: i32, says: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    for words in says {
        assert!(
            ended.stderr.contains(words),
            "{words:?} in {}",
            ended.stderr
        );
    }
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn every_command_has_a_help_that_says_what_it_does_and_what_it_takes() {
    let imports = ["groups", "contacts", "memberships", "folder"];
    let imports = imports.map(|what| format!("import {what}"));
    let commands = [
        "",
        "serve",
        "migrate",
        "import",
        "export",
        "export folder",
        "count",
        "members",
        "segment",
        "watch",
    ];
    for command in commands.map(str::to_owned).into_iter().chain(imports) {
        let words = command.split_whitespace();
        let help = run(words.chain(["--help"]));
        assert_eq!(
            (help.code, help.stderr.as_str()),
            (Some(0), ""),
            "{command}"
        );
        let usage = format!("Usage: mailing-groups {command}");
        assert!(help.stdout.contains(usage.trim_end()), "{}", help.stdout);
        // A flag without a word on it.
        let lines: Vec<_> = help.stdout.lines().collect();
        for pair in lines.windows(2) {
            let flag = pair[0].trim_start().starts_with('-');
            let silent = flag && !pair[0].contains("   ") && pair[1].trim().is_empty();
            assert!(!silent, "{command}: {}", pair[0]);
        }
    }
    let version = run(["--version"]).stdout;
    assert_eq!(
        version.trim(),
        concat!("mailing-groups ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_help_of_client_commands_has_exit_codes_and_examples() {
    for command in [
        "import",
        "import groups",
        "import folder",
        "export",
        "export folder",
        "count",
        "members",
        "segment",
        "watch",
    ] {
        let help = run(command.split(' ').chain(["--help"])).stdout;
        assert!(
            help.contains("Example") && help.contains("Exit codes:"),
            "{help}"
        );
        assert!(
            help.contains("MAILING_GROUPS_") || ["import", "export"].contains(&command),
            "{help}"
        );
    }
}

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
    let contacts = "id,kind,name,company_id,email,exclude_from_segments,privacy_blocked\n\
        Z.1,COMPANY,\"\"\"Müller, Söhne\"\" & Co\",,,false,false\n\
        a:9,COMPANY,=SUM(A1),,o'neil+x@example.com,true,false\n\
        P-2,PERSON,Ζωή\u{2028}O'Neil,Z.1,zoë@example.org,false,true\n\
        _x,PERSON,\"no,no\",,\"a,b@example.org\",true,true\n\
        P-1,PERSON,東京,a:9,,false,false\n";
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
    let said = run("export", &first, "awkward");
    let counts = "3 mailing groups, 5 contacts, 4 memberships at revision ";
    assert!(said.starts_with(counts), "{said}");
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
fn an_export_of_nothing_is_three_headers() {
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
    let said = ["mailing_groups.csv", "--force"];
    fails(&service.run("nobody", &export), 1, &said);
}

#[test]
fn rejected_rows_keep_the_order_of_the_file_and_the_rest_is_imported() {
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
    let told = format!("{count} rejected rows, with line and reason: {path}");
    assert_eq!(last(&ended.stdout), told);
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
        .map(|line| match line.contains("the row has 1 fields") {
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

#[test]
fn errors_of_the_service_end_with_code_1_and_name_the_position() {
    let service = Service::shared();
    let count = |expression: &str| {
        let endpoint = service.endpoint();
        run([
            "count",
            expression,
            "--tenant",
            "refusing",
            "--endpoint",
            &endpoint,
        ])
    };
    fails(
        &count("MOVE"),
        1,
        &["NOT_FOUND", "position 1", "no mailing group MOVE"],
    );
    fails(
        &count("(MOVE"),
        1,
        &["INVALID_ARGUMENT", "position 6", "end of expression"],
    );
    fails(
        &service.run("refusing", "import groups /nowhere.csv"),
        1,
        &["/nowhere.csv"],
    );
    fails(
        &service.run("refusing", "import folder tests"),
        1,
        &["holds none of"],
    );
}

#[test]
fn a_wrong_command_line_ends_with_code_2() {
    for (arguments, says) in [
        ("count", "<EXPR>"),
        ("count A --no-such-flag", "--no-such-flag"),
        (
            "count A --endpoint nowhere",
            "write http://nowhere or https://nowhere",
        ),
        ("count A --tenant UPPER", "--tenant"),
        ("members A --page-size 0", "--page-size"),
        ("members A --retry-for 7", "write 7s, 5m or 7d"),
        ("segment compare S1", "name two segments"),
        ("segment add S1", "<EXPR>"),
        ("import nothing", "nothing"),
        ("export folder", "<DIR>"),
        ("--listen somewhere", "--listen"),
        ("--database-connections 1", "--database-connections"),
        ("--listen 127.0.0.1:0 count A", "cannot be used with"),
        ("reign", "unrecognized subcommand"),
    ] {
        fails(&run(arguments.split(' ')), 2, &[says]);
    }
}

#[test]
fn commands_without_a_service_say_how_to_start_it() {
    for command in [
        "count A",
        "members A",
        "import folder examples",
        "export folder /tmp/never-made",
    ] {
        let words = command.split(' ');
        let ended = run(words.chain(["--endpoint", "http://127.0.0.1:1"]));
        fails(
            &ended,
            1,
            &[
                "cannot reach http://127.0.0.1:1: is the service running",
                "make run",
            ],
        );
    }
}

#[test]
fn the_start_says_what_is_served_and_calls_are_answered_at_once() {
    let service = Service::shared();
    let (greeting, address) = (&service.greeting, &service.address);
    let version = env!("CARGO_PKG_VERSION");
    let serves = format!("mailing-groups {version} serves gRPC on {address}\n");
    assert!(greeting.starts_with(&serves), "{greeting}");
    let data_dir = service.data_dir.canonicalize().unwrap();
    let data = format!("Data: {} (private PostgreSQL ", data_dir.display());
    assert!(greeting.contains(&data), "{greeting}");
    assert!(
        greeting.contains(&format!("grpcurl -plaintext {address} list")),
        "{greeting}"
    );
}

#[test]
fn a_second_service_on_one_folder_is_refused() {
    let service = Service::shared();
    let data_dir = service.data_dir.to_str().unwrap();
    for command in ["serve --listen 127.0.0.1:0", "migrate"] {
        let ended = run(command.split(' ').chain(["--data-dir", data_dir]));
        fails(
            &ended,
            1,
            &["is in use by another mailing-groups service", "--data-dir"],
        );
    }
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_started() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = scratch();
    let data_dir = folder.path().join("data");
    let ended = run([
        "--listen",
        &address,
        "--data-dir",
        data_dir.to_str().unwrap(),
    ]);
    fails(
        &ended,
        1,
        &[&format!("cannot listen on {address}"), "in use", "--listen"],
    );
    assert!(!data_dir.exists());
}

#[test]
fn data_of_another_postgresql_names_the_package_to_install() {
    let folder = scratch();
    fs::create_dir(folder.path().join("postgres")).unwrap();
    write(folder.path(), "postgres/PG_VERSION", "99\n");
    let ended = run(["migrate", "--data-dir", folder.path().to_str().unwrap()]);
    fails(
        &ended,
        1,
        &[
            "was written by PostgreSQL 99",
            "apt-get install postgresql-99",
        ],
    );
}

#[test]
fn a_database_can_be_migrated_any_number_of_times() {
    let folder = scratch();
    let migrate = || run(["migrate", "--data-dir", folder.path().to_str().unwrap()]);
    let (first, second) = (migrate(), migrate());
    assert_eq!(
        (first.code, second.code),
        (Some(0), Some(0)),
        "{}",
        first.stderr
    );
    assert!(first.stdout.starts_with("Migrated: 2"), "{}", first.stdout);
    assert_eq!(second.stdout, "The database is up to date.\n");
}

#[test]
fn an_unreachable_database_is_reported_without_its_password() {
    let url = "postgres://me:secret@127.0.0.1:1/nothing";
    let ended = run(["migrate", "--database-url", url]);
    fails(
        &ended,
        1,
        &[
            "the database does not answer",
            "database nothing on 127.0.0.1:1 (from --database-url)",
        ],
    );
    assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
}

#[test]
fn a_closed_stdout_is_no_failure() {
    let service = Service::shared();
    assert_eq!(service.run("brief", "import folder examples").code, Some(0));
    let endpoint = service.endpoint();
    let mut child = command(["members", "*", "--tenant", "brief", "--endpoint", &endpoint])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
