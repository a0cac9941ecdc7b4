//! Runs the commands of README.md and of docs/tour.md and compares their output with the documents.
//!
//! `UPDATE_TOUR=1` (`make tour`) writes the output into the documents instead.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use regex::Regex;
use tempfile::TempDir;

use super::{
    markdown::{Document, Step},
    service::Service,
};
use crate::support::{program::remove_configuration, scratch};

/// The address of the service in the documents.
const ADDRESS: &str = "127.0.0.1:50051";

/// Patterns of what differs from run to run, and their replacement in a comparison.
static VARYING: LazyLock<[(Regex, &str); 6]> = LazyLock::new(|| {
    let pattern = |text| Regex::new(text).unwrap();
    [
        (
            pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
            "<time>",
        ),
        (
            pattern(r"\d+(\.\d+)? (ms|s), \d+ rows/s"),
            "<duration and rate>",
        ),
        (
            pattern("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
            "<request id>",
        ),
        (pattern(r"r\d+-[0-9a-f]{10,}"), "<etag>"),
        (pattern(r#""resumeToken": "[^"]+""#), "<resume token>"),
        // Printed once a second, so a fast machine prints none.
        (
            pattern(r"(?m)^\d+ rows (committed|checked|written), .*\n"),
            "",
        ),
    ]
});

/// Runs the commands of a document on a new service. Returns the differences; with `UPDATE_TOUR`
/// it writes the real output into the document instead.
fn check(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let mut document = Document::new(&fs::read_to_string(&path).unwrap());
    let steps = document.steps();
    assert!(steps.len() > 4, "only {} commands in {name}", steps.len());
    let shell = Shell::new();
    let mut differing = Vec::new();
    for step in &steps {
        let (expected, printed) = (document.expected(step), shell.run(&step.command));
        if masked(&expected) != masked(&printed) {
            differing.push((step, expected, printed));
        }
    }
    if env::var_os("UPDATE_TOUR").is_some() {
        for (step, _, printed) in differing.iter().rev() {
            document.replace(step, printed);
        }
        fs::write(path, document.text()).unwrap();
        return Vec::new();
    }
    let describe = |(step, expected, printed): &(&Step, String, String)| {
        let (line, command) = (step.output.start, &step.command);
        let difference = difference(&masked(expected), &masked(printed));
        format!("{name}:{line}: $ {command}\n{difference}")
    };
    differing.iter().map(describe).collect()
}

fn assert_current(name: &str) {
    let differences = check(name);
    assert!(
        differences.is_empty(),
        "the output (+) differs from {name} (-); `make tour` rewrites it\n\n{}",
        differences.join("\n")
    );
}

#[test]
fn commands_in_the_readme_print_the_documented_output() {
    assert_current("README.md");
}

#[test]
fn commands_in_the_tour_print_the_documented_output() {
    assert_current("docs/tour.md");
}

/// Runs commands like a reader of the documents, with the program and grpcurl on the path.
struct Shell {
    service: Service,
    path: String,
    /// The working directory, removed at the end.
    folder: TempDir,
}

impl Shell {
    fn new() -> Self {
        let binary = Path::new(env!("CARGO_BIN_EXE_mailing-groups"));
        let tools = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".tools/bin");
        let path = env::var("PATH").unwrap();
        let ours = [binary.parent().unwrap(), &tools];
        let [programs, tools] = ours.map(|folder| folder.display().to_string());
        let path = format!("{programs}:{tools}:{path}");
        let found = Command::new("bash")
            .args(["-c", "command -v grpcurl"])
            .env("PATH", &path)
            .output();
        assert!(
            found.unwrap().status.success(),
            "grpcurl is missing: make grpcurl"
        );
        let (service, folder) = (Service::start(), scratch());
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        symlink(examples, folder.path().join("examples")).unwrap();
        Self {
            service,
            path,
            folder,
        }
    }

    /// The output of a command, with the documents' address in place of the real one.
    fn run(&self, command: &str) -> String {
        let command = command.replace(ADDRESS, &self.service.address);
        let mut bash = Command::new("bash");
        remove_configuration(&mut bash);
        let output = bash
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .current_dir(self.folder.path())
            .env("PATH", &self.path)
            .env("MAILING_GROUPS_ENDPOINT", self.service.endpoint())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.replace(&self.service.address, ADDRESS)
    }
}

fn masked(text: &str) -> String {
    let mask = |text: String, (pattern, name): &(Regex, &str)| {
        pattern.replace_all(&text, *name).into_owned()
    };
    VARYING.iter().fold(text.to_owned(), mask)
}

/// The lines that differ, with three around them.
fn difference(expected: &str, printed: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), printed.lines().collect());
    let alike = |(a, b): &(&&str, &&str)| a == b;
    let start = old.iter().zip(&new).take_while(alike).count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let rest = old_rest.iter().rev().zip(new_rest.iter().rev());
    let end = rest.take_while(alike).count();
    let mark = |sign: &str, lines: &[&str]| -> String {
        lines.iter().map(|line| format!("{sign}{line}\n")).collect()
    };
    let (old_end, new_end) = (old.len() - end, new.len() - end);
    mark(" ", &old[start.saturating_sub(3)..start])
        + &mark("-", &old[start..old_end])
        + &mark("+", &new[start..new_end])
        + &mark(" ", &old[old_end..old.len().min(old_end + 3)])
}

#[test]
fn a_difference_is_shown_with_its_context() {
    let shown = difference("a\nb\nc\nd\ne\nf\ng\nh\n", "a\nb\nc\nd\nX\nY\nf\ng\nh\n");
    assert_eq!(shown, " b\n c\n d\n-e\n+X\n+Y\n f\n g\n h\n");
}

#[test]
fn times_durations_request_ids_and_progress_are_ignored() {
    let id = "a751b274-3b13-43ad-9c8d-f6bdf95a08fd";
    assert_eq!(masked(id), "<request id>");
    let text = "7 rows committed, 7 rows/s, 9 %\n\"2026-01-02T03:04:05.678901Z\"; 0.2 s, 7 rows/s, revision 3\n";
    assert_eq!(
        masked(text),
        "\"<time>\"; <duration and rate>, revision 3\n"
    );
}
