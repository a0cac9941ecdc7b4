//! The command line from end to end.

mod completions;
mod foreign;
mod groups;
mod help;
mod import_options;
mod imports;
mod interrupts;
mod resources;
mod signals;
mod starts;
mod tenants;

use std::{fs, path::Path, process::Stdio};

use super::service::{Ended, Service, run};
use crate::support::program::command;

/// The last line of what a command printed.
fn last(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[track_caller]
fn fails(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    for part in words {
        assert!(ended.stderr.contains(part), "{part:?} in {}", ended.stderr);
    }
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
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
        &["contains none of"],
    );
}

#[test]
fn a_wrong_command_line_ends_with_code_2() {
    for (arguments, words) in [
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
        (
            "segment compare S1 S2 --expand-companies",
            "are for expressions",
        ),
        ("segment add S1", "<EXPR>"),
        ("import nothing", "nothing"),
        ("export folder", "<DIR>"),
        ("--listen somewhere", "--listen"),
        ("--database-connections 1", "--database-connections"),
        ("--listen 127.0.0.1:0 count A", "cannot be used with"),
        ("reign", "unrecognized subcommand"),
    ] {
        fails(&run(arguments.split(' ')), 2, &[words]);
    }
}

#[test]
fn commands_without_a_service_explain_how_to_start_it() {
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
fn a_closed_stdout_is_not_an_error() {
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
