//! Members, comparisons and changes, read as streams that end early.

use std::{
    fs,
    process::{ExitCode, Stdio},
    thread,
};

use mailing_groups::pb::watch_changes_request::{Beginning, Start};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    FAILURE, SUCCESS, all_ids,
    fake::{self, Cut, Fake, Server},
    read, run, write,
};
use crate::support::program::command;

#[test]
fn members_are_written_once_after_many_interruptions() {
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
    let after = |token: &str| Some(Start::ResumeToken(token.to_owned()));
    assert_eq!(
        *server.fake.watched.lock().unwrap(),
        [beginning.clone(), beginning, after("3.1"), after("7.1")]
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
fn interrupted_members_leave_the_file_unchanged_and_no_other() {
    let server = Server::start(Fake::cutting([Cut::Hang(2)]));
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "ids.csv", "before");
    let arguments = format!(
        "members MOVE --page-size 3 -o {file} --endpoint {}",
        server.endpoint
    );
    let arguments = arguments.split(' ');
    let mut command = command(arguments);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    server.fake.wait_until_hung();
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(read(&folder, "ids.csv"), "before");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_incomplete_stream_of_members_leaves_the_file_unchanged() {
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
fn full_members_can_be_imported() {
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
    let columns = "id,kind,name,company_id,email,exclude_from_segments,privacy_blocked,attributes";
    assert_eq!(head, [columns, "m0,PERSON,\"Zero, Ada\",,,false,true,"]);
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
