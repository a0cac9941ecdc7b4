//! The signals that stop the service, and the service as PID 1.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};

use crate::{
    support::{
        Program, eventually_blocking,
        program::{command, remove_configuration},
        scratch,
    },
    tour::service::Service,
};

/// A command that runs the program by way of another one.
fn through(words: &[&str], data_dir: &Path) -> Command {
    let program = command(["--listen", "127.0.0.1:0", "--data-dir"]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(program.get_program());
    command.args(program.get_args()).arg(data_dir);
    command.stdin(Stdio::null());
    remove_configuration(&mut command);
    command
}

#[test]
fn every_signal_that_stops_the_service_stops_its_postgresql() {
    for signal in [Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGINT] {
        let mut service = Service::start();
        let postgres = service.postgres().unwrap();
        assert_eq!(service.stop_with(signal), Some(0), "{signal}");
        assert!(kill(postgres, None).is_err(), "{signal}");
    }
}

/// Then standard error is closed too, and the service has to stop all the same.
#[test]
fn a_closed_terminal_stops_the_service_and_its_postgresql() {
    let folder = scratch();
    let data_dir = folder.path().join("data");
    let mut command = through(&["env"], &data_dir);
    let mut service = Program::start(command.stderr(Stdio::piped()));
    let lines = service.lines(5);
    assert!(lines[0].contains(" serves gRPC on "), "{lines:?}");
    service.close_output();
    service.signal(Signal::SIGHUP);
    let ended = eventually_blocking(|| service.try_ended());
    assert_eq!(ended.code(), Some(0));
    assert!(!data_dir.join("postgres/postmaster.pid").exists());
}

#[test]
fn nohup_keeps_the_service_running() {
    let folder = scratch();
    let log = folder.path().join("log");
    let mut command = through(&["nohup"], &folder.path().join("data"));
    let mut service = Program::start(command.stderr(fs::File::create(&log).unwrap()));
    service.lines(5);
    service.signal(Signal::SIGHUP);
    service.signal(Signal::SIGTERM);
    eventually_blocking(|| service.try_ended());
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("stopping on SIGTERM"), "{log}");
}

#[test]
fn pid_1_leaves_no_zombies_and_forwards_signals() {
    if !geteuid().is_root() {
        eprintln!("SKIPPED: only root can run the program as PID 1");
        return;
    }
    let folder = scratch();
    let log = folder.path().join("log");
    let unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    let mut command = through(&unshare, &folder.path().join("data"));
    let mut service = Program::start(command.stderr(fs::File::create(&log).unwrap()));
    let lines = service.lines(5);
    assert_eq!(lines.len(), 5, "{}", fs::read_to_string(&log).unwrap());
    let init = only(&children(service.id()));
    let program = only(&children(init));
    let postmaster = only(&children(program));

    let backends = children(postmaster);
    assert!(backends.len() > 3, "{backends:?}");
    kill(pid(postmaster), Signal::SIGKILL).unwrap();
    // A zombie is in /proc until somebody waits for it.
    let is_gone = |id: &u32| !Path::new(&format!("/proc/{id}")).exists();
    eventually_blocking(|| backends.iter().all(is_gone).then_some(()));
    eventually_blocking(|| (children(program).len() == 1).then_some(()));
    assert!(!children(program).contains(&postmaster));

    kill(pid(init), Signal::SIGTERM).unwrap();
    let ended = eventually_blocking(|| service.try_ended());
    let log = fs::read_to_string(&log).unwrap();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(log.contains("stopping on SIGTERM"), "{log}");
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.try_into().unwrap())
}

#[track_caller]
fn only(ids: &[u32]) -> u32 {
    assert_eq!(ids.len(), 1, "{ids:?}");
    ids[0]
}

/// The children of a process.
fn children(parent: u32) -> Vec<u32> {
    let parent = format!("\nPPid:\t{parent}\n");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let is_child = |id: &u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status"));
        status.is_ok_and(|status| status.contains(&parent))
    };
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_child)
        .collect()
}
