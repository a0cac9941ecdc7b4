//! Files of mailing groups, and summaries as objects.

use serde_json::{Value, json};

use super::{fails, write};
use crate::{support::scratch, tour::service::Service};

#[test]
fn a_file_of_groups_may_leave_out_the_descriptions() {
    let (service, folder) = (Service::shared(), scratch());
    let run = |arguments: &str| service.run("cli-groups", arguments);
    run("group create MOVE Moves");
    let file = write(folder.path(), "groups.csv", "code\nMOVE\nGIFT\n NO!\n");
    let import = |flags: &str| {
        let ended = run(&format!("import groups {file} --format json{flags}"));
        let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
        (ended, summary)
    };
    let counts = |summary: &Value| {
        let names = ["created_count", "unchanged_count", "rejected_count"];
        names.map(|it| summary[it].as_i64().unwrap())
    };
    let (_, tried) = import(" --dry-run");
    assert_eq!(
        (counts(&tried), &tried["dry_run"]),
        ([1, 1, 1], &json!(true))
    );
    let (ended, imported) = import("");
    fails(&ended, 3, &["1 rejected row, with line and reason: "]);
    assert_eq!(counts(&imported), [1, 1, 1]);
    let names = (&imported["imported"], &imported["revision"]);
    assert_eq!(names, (&json!("mailing groups"), &json!(2)));
    assert!(
        run("group get MOVE")
            .stdout
            .contains("\"description\":\"Moves\"")
    );
}
