//! The commands of docs/operations.md back a database up and restore it.

use std::{fs, path::Path, process::Command};

use crate::{
    support::{Program, program::command, scratch},
    tour::service::{Service, run},
};

/// The command of docs/operations.md that begins with `program`.
fn documented(program: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let page = fs::read_to_string(path).unwrap();
    let block = page
        .split("```sh\n")
        .find(|block| block.starts_with(program));
    let (command, _) = block.unwrap().split_once("```").unwrap();
    command.to_owned()
}

/// Runs a shell command in a folder.
fn shell(folder: &Path, command: &str) {
    let ran = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command}: {errors}");
}

/// Succeeds, and returns what it printed.
fn succeeds(service: &Service, arguments: &str) -> String {
    let ended = service.run("acme", arguments);
    assert_eq!(ended.code, Some(0), "{arguments}: {}", ended.stderr);
    ended.stdout
}

/// The lines that `watch` prints until it has reached a revision.
fn watch(service: &Service, start: &str, revision: i64) -> Vec<serde_json::Value> {
    let endpoint = service.endpoint();
    let arguments = format!("watch --tenant acme --endpoint {endpoint} {start}");
    let mut watch = Program::start(&mut command(arguments.split(' ')));
    let mut lines = Vec::new();
    loop {
        let line = watch.lines(1).pop().expect("a line");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let reached = line["revision"].as_i64().is_some_and(|it| it >= revision);
        lines.push(line);
        if reached {
            return lines;
        }
    }
}

#[test]
fn a_backup_is_restored_and_goes_on() {
    let (from, to) = (scratch(), scratch());
    let before = Service::on(&from.path().join("data"));
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    succeeds(&before, &format!("import folder {examples}"));
    let seen = watch(&before, "--from 0", 6);
    let token = seen.last().unwrap()["resume_token"].as_str().unwrap();
    let members = succeeds(&before, "members MOVE");
    shell(from.path(), &documented("pg_dump"));
    drop(before);

    let mut empty = Service::on(&to.path().join("data"));
    fs::copy(
        from.path().join("mailing_groups.dump"),
        to.path().join("mailing_groups.dump"),
    )
    .unwrap();
    shell(to.path(), &documented("pg_restore"));
    assert_eq!(empty.stop(), Some(0));
    let after = Service::on(&to.path().join("data"));
    assert_eq!(succeeds(&after, "members MOVE"), members);
    // Revisions and tokens go on.
    let groups = to.path().join("groups.csv");
    fs::write(&groups, "code,description\nLATER,After the backup\n").unwrap();
    succeeds(&after, &format!("import groups {}", groups.display()));
    let later = watch(&after, &format!("--resume-token {token}"), 7);
    let [later] = &*later else {
        panic!("not one line: {later:?}");
    };
    assert!(later.to_string().contains("LATER"), "{later}");
    let data_dir = after.data_dir.to_str().unwrap().to_owned();
    let checked = run(["check", "--data-dir", &data_dir]);
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
}
