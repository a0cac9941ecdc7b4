//! Ctrl-C during an import and an export.

use std::{
    fs,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{fails, write};
use crate::{
    support::{program::command, scratch},
    tour::service::{Ended, Service},
};

/// Starts a client command for a tenant.
fn spawn(service: &Service, tenant: &str, arguments: &str) -> Child {
    let endpoint = service.endpoint();
    let flags = ["--tenant", tenant, "--endpoint", &endpoint];
    let mut program = command(arguments.split(' ').chain(flags));
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    program.spawn().unwrap()
}

/// Sends Ctrl-C to a command once it is ready.
fn interrupt(mut child: Child, is_ready: impl Fn() -> bool) -> Ended {
    let start = Instant::now();
    while !is_ready() {
        assert!(start.elapsed() < Duration::from_secs(60));
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        thread::sleep(Duration::from_millis(2));
    }
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn an_interrupted_import_says_what_is_committed_and_how_to_continue() {
    let service = Service::shared();
    let folder = scratch();
    let row = |n| format!("C{n},COMPANY,Company {n}\n");
    let rows: String = (0..200_000).map(row).collect();
    let text = format!("id,kind,name\nbad id,COMPANY,x\n{rows}");
    let file = write(folder.path(), "contacts.csv", &text);
    let child = spawn(
        &service,
        "interrupted",
        &format!("import contacts {file} --chunk 100"),
    );
    let has_begun = || {
        let counted = service.run("interrupted", "count * --format json").stdout;
        let counted: serde_json::Value = serde_json::from_str(&counted).unwrap();
        counted["member_count"].as_i64() > Some(0)
    };
    let ended = interrupt(child, has_begun);
    let id = ended.stderr.split("continue with --import-id ").nth(1);
    let id = id.unwrap().lines().next().unwrap();
    let rejected = folder.path().join("contacts.rejected.csv");
    let text = format!(
        "1 rejected row, with line and reason: {}",
        rejected.display()
    );
    fails(
        &ended,
        130,
        &[
            "interrupted\n",
            "known to be committed",
            "left unchanged",
            &text,
        ],
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let again = format!("import contacts {file} --import-id {id}");
    let ended = service.run("interrupted", &again);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(
        ended
            .stdout
            .starts_with("200001 contacts: 200000 created, ")
    );
}

#[test]
fn an_interrupted_export_removes_its_temporary_files() {
    let service = Service::shared();
    let source = scratch();
    let row = |n| format!("C{n},COMPANY,Company {n}\n");
    let rows: String = (0..200_000).map(row).collect();
    let file = write(
        source.path(),
        "contacts.csv",
        &format!("id,kind,name\n{rows}"),
    );
    let imported = service.run("stopped", &format!("import contacts {file}"));
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let parent = scratch();
    let copy = parent.path().join("copy");
    let child = spawn(
        &service,
        "stopped",
        &format!("export folder {}", copy.display()),
    );
    let has_begun = || {
        let files = fs::read_dir(&copy).into_iter().flatten();
        files
            .map(|it| it.unwrap().metadata())
            .any(|it| it.is_ok_and(|it| it.len() > 100_000))
    };
    let ended = interrupt(child, has_begun);
    fails(&ended, 130, &["error: interrupted\n"]);
    assert!(!copy.exists());
}
