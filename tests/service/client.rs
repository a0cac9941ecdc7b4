//! The client commands against a service that misbehaves on purpose: what a healthy service
//! cannot be made to do.

mod fake;

use std::{fs, path::Path, process::ExitCode, thread};

use clap::Parser;
use fake::{Cut, Fake, Server, UploadFault};
use mailing_groups::{
    client,
    pb::watch_changes_request::{Beginning, Start},
};
use tempfile::TempDir;

#[derive(Parser)]
struct Program {
    #[command(subcommand)]
    command: client::ClientCommand,
}

/// Runs the program with these arguments, separated by spaces.
fn run(endpoint: &str, arguments: &str) -> ExitCode {
    let arguments = arguments.split_whitespace();
    let words = ["mailing-groups"].into_iter().chain(arguments);
    let program = Program::parse_from(words.chain(["--endpoint", endpoint]));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(client::run(program.command))
}

fn write(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn read(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

fn all_ids() -> String {
    let ids: Vec<_> = (0..fake::MEMBERS).map(|it| format!("m{it}\n")).collect();
    format!("contact_id\n{}", ids.concat())
}

const FAILURE: ExitCode = ExitCode::FAILURE;
const SUCCESS: ExitCode = ExitCode::SUCCESS;

fn some_rejected() -> ExitCode {
    ExitCode::from(3)
}

#[test]
fn members_are_written_once_however_often_the_stream_breaks() {
    let cuts = [
        Cut::Unavailable(2),
        Cut::Silent(1),
        Cut::Unavailable(0),
        Cut::Silent(0),
    ];
    let server = Server::start(Fake::cutting(cuts));
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "ids.csv", "what was there before");
    let arguments = format!("members MOVE --view ids --page-size 3 --output {file} --tenant t-1");
    assert_eq!(run(&server.endpoint, &arguments), SUCCESS);
    assert_eq!(read(&folder, "ids.csv"), all_ids());
    assert_eq!(
        *server.fake.resumed.lock().unwrap(),
        ["", "6", "9", "9", "9"]
    );
    assert!(
        server
            .fake
            .tenants
            .lock()
            .unwrap()
            .iter()
            .all(|it| it == "t-1")
    );
}

#[test]
fn a_watch_resumes_after_the_last_complete_revision() {
    let server = Server::start(Fake::default());
    assert_eq!(run(&server.endpoint, "watch --from beginning"), FAILURE);
    let beginning = Some(Start::Beginning(Beginning {}));
    let after = |revision| Some(Start::Revision(revision));
    assert_eq!(
        *server.fake.watched.lock().unwrap(),
        [beginning, beginning, after(3), after(7)]
    );
}

#[test]
fn a_comparison_resumes_after_the_last_page() {
    let cuts = [
        Cut::Unavailable(2),
        Cut::Silent(0),
        Cut::Overdue(1),
        Cut::Unavailable(1),
    ];
    let server = Server::start(Fake::cutting(cuts));
    let ended = run(&server.endpoint, "segment compare S1 --to MOVE");
    assert_eq!(ended, SUCCESS);
    assert_eq!(
        *server.fake.resumed.lock().unwrap(),
        ["", "6", "6", "9", "10"]
    );
    assert_eq!(
        run(&server.endpoint, "segment compare S1"),
        ExitCode::from(2)
    );
}

#[test]
fn members_survive_a_restart_of_the_service() {
    let server = Server::start(Fake::cutting([Cut::Hang(2)]));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ids.csv").display().to_string();
    let endpoint = server.endpoint.clone();
    let arguments = format!("members MOVE --view ids --page-size 3 --output {file}");
    let client = thread::spawn(move || run(&endpoint, &arguments));
    server.fake.wait_until_hung();
    let _server = server.restart();
    assert_eq!(client.join().unwrap(), SUCCESS);
    assert_eq!(read(&folder, "ids.csv"), all_ids());
}

#[test]
fn members_that_cannot_all_be_read_leave_the_file_as_it_was() {
    for (cuts, flags) in [
        (vec![Cut::Refused], ""),
        (vec![Cut::Silent(1)], "--retry-for 0"),
        (vec![Cut::Unavailable(1); 50], "--retry-for 1ms"),
    ] {
        let server = Server::start(Fake::cutting(cuts));
        let folder = tempfile::tempdir().unwrap();
        let file = write(&folder, "ids.csv", "before");
        let arguments = format!("members MOVE --page-size 1 --output {file} {flags}");
        assert_eq!(run(&server.endpoint, &arguments), FAILURE);
        assert_eq!(read(&folder, "ids.csv"), "before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn members_in_full_can_be_imported_again() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.csv").display().to_string();
    assert_eq!(
        run(&server.endpoint, &format!("members MOVE -o {file}")),
        SUCCESS
    );
    let head: Vec<_> = read(&folder, "all.csv")
        .lines()
        .take(2)
        .map(str::to_owned)
        .collect();
    let columns = "id,kind,name,company_id,email,exclude_from_segments,privacy_blocked";
    assert_eq!(head, [columns, "m0,PERSON,\"Zero, Ada\",,,false,true"]);
    assert_eq!(
        run(&server.endpoint, &format!("import contacts {file}")),
        SUCCESS
    );
    assert_eq!(server.fake.received.lock().unwrap().len(), fake::MEMBERS);

    let lines = format!("members MOVE --format jsonl -o {file}");
    assert_eq!(run(&server.endpoint, &lines), SUCCESS);
    let first = read(&folder, "all.csv")
        .lines()
        .next()
        .map(str::to_owned)
        .unwrap();
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["name"], "Zero, Ada");
    assert_eq!(first["privacy_blocked"], true);
}

/// The files of an export of the fake, in the order of their names.
fn exported() -> [(&'static str, String); 3] {
    let ids: Vec<_> = (0..fake::MEMBERS).map(|it| format!("m{it}")).collect();
    let contact = |id: &String| format!("{id},PERSON,\"Zero, Ada\",,,false,true\n");
    let membership = |id: &String| format!("{id},MOVE\n");
    let columns = "id,kind,name,company_id,email,exclude_from_segments,privacy_blocked\n";
    let contacts: String = ids.iter().map(contact).collect();
    let memberships: String = ids.iter().map(membership).collect();
    [
        ("contacts.csv", format!("{columns}{contacts}")),
        (
            "mailing_groups.csv",
            "code,description\nMOVE,\"Over, there\"\n".to_owned(),
        ),
        ("memberships.csv", format!("contact_id,code\n{memberships}")),
    ]
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_export_has_everything_once_however_often_it_breaks() {
    let cuts = [
        Cut::Silent(0),
        // After the group, and after contacts that came without their memberships.
        Cut::Unavailable(1),
        Cut::Silent(2),
        Cut::Unavailable(4),
        Cut::Unavailable(0),
        Cut::Overdue(3),
        Cut::Silent(4),
    ];
    let server = Server::start(Fake::cutting(cuts));
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("new/copy");
    let arguments = format!("export folder {} --tenant t-1", copy.display());
    assert_eq!(run(&server.endpoint, &arguments), SUCCESS);
    assert_eq!(
        *server.fake.resumed.lock().unwrap(),
        ["", "", "", "", "3", "3", "6", "10"]
    );
    for (name, text) in exported() {
        assert_eq!(fs::read_to_string(copy.join(name)).unwrap(), text);
    }
    assert_eq!(names(&copy), exported().map(|(name, _)| name));
    let import = format!("import folder {}", copy.display());
    assert_eq!(run(&server.endpoint, &import), SUCCESS);
}

#[test]
fn an_export_that_breaks_off_leaves_nothing_and_replaces_nothing() {
    for (cuts, flags) in [
        (vec![Cut::Refused], ""),
        (vec![Cut::Silent(9)], "--retry-for 0"),
        (vec![Cut::Overdue(0)], ""),
        // The same again and again is no progress.
        (vec![Cut::Unavailable(2); 50], "--retry-for 300ms"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, "contacts.csv", "before");
        let new = folder.path().join("new");
        for (path, flags) in [
            (new.as_path(), flags.to_owned()),
            (folder.path(), format!("{flags} --force")),
        ] {
            let server = Server::start(Fake::cutting(cuts.clone()));
            let arguments = format!("export folder {} {flags}", path.display());
            assert_eq!(run(&server.endpoint, &arguments), FAILURE);
            assert_eq!(names(folder.path()), ["contacts.csv"]);
        }
        assert_eq!(read(&folder, "contacts.csv"), "before");
    }
}

#[test]
fn an_export_replaces_files_only_with_force() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "memberships.csv", "before");
    let arguments = format!("export folder {}", folder.path().display());
    assert_eq!(run(&server.endpoint, &arguments), FAILURE);
    assert!(server.fake.tenants.lock().unwrap().is_empty());
    assert_eq!(names(folder.path()), ["memberships.csv"]);
    let arguments = format!("{arguments} --force");
    assert_eq!(run(&server.endpoint, &arguments), SUCCESS);
    for (name, text) in exported() {
        assert_eq!(read(&folder, name), text);
    }
}

const CONTACTS: &str = "\
name,id,kind,privacy_blocked\r
Ada,P1,person,yes\r
Acme,C1,Company,\r
\r
Bad,bad1,PERSON,0\r
Odd,O1,ROBOT,0\r
Short\r
\"Two
lines\",P2,PERSON,perhaps\r
Bea,bad2,COMPANY,1\r
Cy,P3,PERSON,1\r
";

#[test]
fn rejected_contacts_are_written_with_line_and_reason() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "c.csv", CONTACTS);
    let arguments = format!("import contacts {file} --chunk 2");
    assert_eq!(run(&server.endpoint, &arguments), some_rejected());
    assert_eq!(
        *server.fake.received.lock().unwrap(),
        ["C1", "bad2", "P1", "bad1", "P3"]
    );
    assert_eq!(
        read(&folder, "c.rejected.csv"),
        "line,reason,name,id,kind,privacy_blocked\n\
         5,id: starts with bad,Bad,bad1,PERSON,0\n\
         6,kind: `ROBOT` is neither COMPANY nor PERSON,Odd,O1,ROBOT,0\n\
         7,\"the row has 1 fields, the header has 4\",Short\n\
         8,\"privacy_blocked: `perhaps` is none of true, false, yes, no, 1, 0\",\
         \"Two\nlines\",P2,PERSON,perhaps\n\
         10,id: starts with bad,Bea,bad2,COMPANY,1\n"
    );
}

#[test]
fn an_upload_has_a_bounded_number_of_chunks_in_flight() {
    let server = Server::start(Fake::uploading(UploadFault::Withhold));
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..100).map(|it| format!("C{it},COMPANY,x\n")).collect();
    let file = write(
        &folder,
        "c.csv",
        &format!("id,kind,name\n{}", rows.concat()),
    );
    assert_eq!(
        run(
            &server.endpoint,
            &format!("import contacts {file} --chunk 3")
        ),
        SUCCESS
    );
    assert_eq!(server.fake.received.lock().unwrap().len(), 100);
    assert_eq!(
        *server.fake.most_in_flight.lock().unwrap(),
        fake::MAX_IN_FLIGHT
    );
}

#[test]
fn an_import_that_breaks_or_lacks_its_summary_fails() {
    for fault in [
        UploadFault::Break,
        UploadFault::NoSummary,
        UploadFault::WrongCount,
    ] {
        let server = Server::start(Fake::uploading(fault));
        let folder = tempfile::tempdir().unwrap();
        let file = write(
            &folder,
            "c.csv",
            "id,kind,name\nbad,COMPANY,x\nC2,COMPANY,y\n",
        );
        let arguments = format!("import contacts {file} --chunk 1 --retry-for 0");
        assert_eq!(run(&server.endpoint, &arguments), FAILURE, "{fault:?}");
        // The rows rejected until then are kept.
        assert!(read(&folder, "c.rejected.csv").contains("2,id: starts with bad"));
    }
}

#[test]
fn an_import_resumes_after_the_last_committed_item() {
    let server = Server::start(Fake::uploading(UploadFault::Break));
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..9).map(|it| format!("C{it},COMPANY,x\n")).collect();
    let text = format!("id,kind,name\nbad,COMPANY,x\n{}", rows.concat());
    let file = write(&folder, "c.csv", &text);
    let arguments = format!("import contacts {file} --chunk 1 --import-id again");
    assert_eq!(run(&server.endpoint, &arguments), some_rejected());
    let imports = server.fake.imports.lock().unwrap().clone();
    assert_eq!(imports["again"], (10, 1));
    let received = server.fake.received.lock().unwrap().clone();
    assert_eq!(received.len(), 10, "{received:?}");
    let rejected = read(&folder, "c.rejected.csv");
    assert_eq!(rejected.lines().count(), 2);
    // Again with the same id: nothing is left to do.
    assert_eq!(run(&server.endpoint, &arguments), SUCCESS);
    assert_eq!(server.fake.received.lock().unwrap().len(), 10);
}

#[test]
fn memberships_are_imported_and_a_stale_file_of_rejected_rows_is_removed() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "m.rejected.csv", "stale");
    let file = write(&folder, "m.csv", "code\tcontact_id\nMOVE\tP1\nGIFT\tP1\n");
    let arguments = format!("import memberships {file} --delimiter tab");
    assert_eq!(run(&server.endpoint, &arguments), SUCCESS);
    assert!(!folder.path().join("m.rejected.csv").exists());
    let file = write(&folder, "m.csv", "contact_id,code\nP1,MOVE\nP1,NONE\n");
    let arguments = format!("import memberships {file}");
    assert_eq!(run(&server.endpoint, &arguments), some_rejected());
    let rejected = read(&folder, "m.rejected.csv");
    assert_eq!(
        rejected,
        "line,reason,contact_id,code\n3,UNKNOWN_GROUP: no such group,P1,NONE\n"
    );
}

#[test]
fn groups_are_created_or_updated_and_the_last_row_of_a_code_wins() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    let text = "description,code\nOld,MOVE\nGifts,GIFT\nNew,move\nnope,NOT OK\n";
    let file = write(&folder, "g.csv", text);
    let arguments = format!("import groups {file}");
    for _ in 0..2 {
        assert_eq!(run(&server.endpoint, &arguments), some_rejected());
        let groups = server.fake.groups.lock().unwrap().clone();
        let groups: Vec<_> = groups
            .iter()
            .map(|(code, text)| (&code[..], &text[..]))
            .collect();
        assert_eq!(groups, [("GIFT", "Gifts"), ("MOVE", "New")]);
    }
    let rejected = read(&folder, "g.rejected.csv");
    assert_eq!(
        rejected,
        "line,reason,description,code\n5,mailing_group.code: letters only,nope,NOT OK\n"
    );
}

#[test]
fn a_file_that_does_not_fit_is_refused_before_anything_is_sent() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "c.csv", "id,kind,title\nC1,COMPANY,x\n");
    assert_eq!(
        run(&server.endpoint, &format!("import contacts {file}")),
        FAILURE
    );
    assert_eq!(
        run(&server.endpoint, "import contacts /nowhere.csv"),
        FAILURE
    );
    let into_itself = format!("import memberships {file} --rejected {file}");
    assert_eq!(run(&server.endpoint, &into_itself), FAILURE);
    assert!(server.fake.tenants.lock().unwrap().is_empty());
    assert!(Path::new(&file).exists());
}

#[test]
fn commands_fail_at_once_if_nothing_listens() {
    let unused = "http://127.0.0.1:1";
    assert_eq!(run(unused, "count MOVE"), FAILURE);
    assert_eq!(run(unused, "members MOVE"), FAILURE);
}
