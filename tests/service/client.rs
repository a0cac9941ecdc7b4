//! The client commands against a fake service with injected faults that a healthy service does
//! not show, and over a network that breaks.

mod assign;
mod csv_files;
mod exports;
mod fake;
mod imports;
mod members;

use std::{fs, process::ExitCode};

use clap::Parser;
use mailing_groups::client;
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
fn commands_fail_at_once_if_nothing_listens() {
    let unused = "http://127.0.0.1:1";
    assert_eq!(run(unused, "count MOVE"), FAILURE);
    assert_eq!(run(unused, "members MOVE"), FAILURE);
}
