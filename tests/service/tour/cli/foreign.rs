//! `import from`: the files that other tools export, in examples/coming-from.

mod codes;
mod files;
mod mappings;
mod runs;
mod sources;

use std::sync::Arc;

use tempfile::TempDir;

use super::{fails, last, write};
use crate::{
    support::scratch,
    tour::service::{Ended, Service},
};

const EVERYONE: &str = "members * --include-excluded --include-privacy-blocked";

/// A tenant, and a folder for files that are imported.
struct Workspace {
    service: Arc<Service>,
    tenant: &'static str,
    folder: TempDir,
}

impl Workspace {
    fn of(tenant: &'static str) -> Self {
        Self {
            service: Service::shared(),
            tenant,
            folder: scratch(),
        }
    }

    /// Writes a file. Returns its path.
    fn file(&self, name: &str, text: &str) -> String {
        write(self.folder.path(), name, text)
    }

    /// Runs a client command.
    fn run(&self, command: &str) -> Ended {
        self.service.run(self.tenant, command)
    }

    /// Runs one that succeeds.
    #[track_caller]
    fn succeeds(&self, command: &str) -> Ended {
        let ended = self.run(command);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended
    }

    fn contacts(&self) -> Vec<String> {
        contacts(&self.service, self.tenant)
    }
}

/// The sample files of a source, without the path.
fn sample(source: &str, names: &[&str]) -> String {
    let paths = names
        .iter()
        .map(|name| format!("examples/coming-from/{source}/{name}"));
    paths.collect::<Vec<_>>().join(" ")
}

/// The contacts of a tenant, without the header, sorted.
fn contacts(service: &Service, tenant: &str) -> Vec<String> {
    let written = service.run(tenant, EVERYONE).stdout;
    // Most have no attributes.
    let row = |line: &str| line.strip_suffix(',').unwrap_or(line).to_owned();
    let mut rows: Vec<_> = written.lines().skip(1).map(row).collect();
    rows.sort();
    rows
}

/// The e-mail addresses of the contacts that have a group, sorted.
fn having(service: &Service, tenant: &str, code: &str) -> Vec<String> {
    let all = format!("members {code} --include-excluded --include-privacy-blocked --format jsonl");
    let written = service.run(tenant, &all);
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    let email = |line: &str| {
        let contact: serde_json::Value = serde_json::from_str(line).unwrap();
        contact["email"].as_str().unwrap().to_owned()
    };
    let mut emails: Vec<_> = written.stdout.lines().map(email).collect();
    emails.sort();
    emails
}

/// The codes and descriptions of the groups.
fn groups(service: &Service, tenant: &str) -> Vec<(String, String)> {
    let listed = service.run(tenant, "group list --format json").stdout;
    let group = |line: &str| {
        let group: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| group[name].as_str().unwrap().to_owned();
        (text("code"), text("description"))
    };
    listed.lines().map(group).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    pairs.iter().map(owned).collect()
}

/// The counts of a run: the lines that end with a duration, up to it, without `dry run: `.
fn counts(ended: &Ended) -> Vec<String> {
    let lines = ended.stdout.lines().filter(|it| it.contains(" rows/s"));
    let counts = lines.map(|it| it.split(';').next().unwrap());
    counts
        .map(|it| it.trim_start_matches("dry run: ").to_owned())
        .collect()
}

#[track_caller]
fn prints(ended: &Ended, lines: &[&str]) {
    for line in lines {
        let found = ended.stdout.lines().any(|it| it == *line);
        assert!(found, "{line:?} in\n{}{}", ended.stdout, ended.stderr);
    }
}
