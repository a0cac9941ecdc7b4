use std::{io::Read, os::unix::fs::symlink};

use tempfile::TempDir;

use super::*;
use crate::{client::import::items::ImportItem, pb::MailingGroup};

const REJECTED: &str = "line;reason;code;description\n7;code: no;\"A;B\";x\n";

fn row(fields: &[&str]) -> CsvRow {
    CsvRow {
        file: 0,
        line: 7,
        bytes: 1,
        record: fields.into(),
        problem: None,
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn open(path: &Path, force: bool) -> Result<RejectedRows, Error> {
    let header = row(&["line", "code", "reason", "description"]);
    let columns = CsvColumns::check(&header, MailingGroup::COLUMNS).expect("valid columns");
    let input = Path::new("/nowhere/x.csv");
    RejectedRows::of(Some(path), force, input, (b';', Arc::new(columns)))
}

fn add(rows: &mut RejectedRows) {
    let row = row(&["3", "A;B", "old", "x"]);
    rows.add(&row, "code: no").expect("written");
}

/// Rejects one row of a complete import.
fn reject_one(path: &Path, force: bool) -> Result<(), Error> {
    let mut rows = open(path, force)?;
    add(&mut rows);
    rows.confirm();
    let message = rows.finish(true)?.expect("one row");
    assert!(message.starts_with("1 rejected row, with line and reason: "));
    Ok(())
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("an existing file")
}

fn count(folder: &TempDir) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

#[test]
fn a_file_is_created_only_for_a_rejected_row() {
    let folder = folder();
    let path = folder.path().join("x.csv");
    assert!(
        open(&path, false)
            .expect("no error")
            .finish(true)
            .expect("no error")
            .is_none()
    );
    assert_eq!(count(&folder), 0);
    reject_one(&path, false).expect("no error");
    assert_eq!((read(&path).as_str(), count(&folder)), (REJECTED, 1));
}

#[test]
fn a_foreign_file_is_refused_or_replaced_with_force() {
    let folder = folder();
    let path = folder.path().join("x.csv");
    for text in ["", "precious", "line,reason,code\n", "line;reasons\n"] {
        fs::write(&path, text).expect("no error");
        let refused = reject_one(&path, false).expect_err("refused").to_string();
        assert!(refused.contains("already exists"), "{refused}");
        assert!(refused.ends_with("use --force to replace it"), "{refused}");
        // With force too it stays unless a row is rejected.
        assert!(
            open(&path, true)
                .expect("no error")
                .finish(true)
                .expect("no error")
                .is_none()
        );
        assert_eq!(read(&path), text);
        reject_one(&path, true).expect("no error");
        assert_eq!((read(&path).as_str(), count(&folder)), (REJECTED, 1));
    }
}

#[test]
fn the_file_of_an_earlier_run_is_replaced_only_after_the_service_has_answered() {
    let folder = folder();
    let path = folder.path().join("x.csv");
    let old = "line;reason\n1;old\n";
    fs::write(&path, old).expect("no error");
    let mut rows = open(&path, false).expect("no error");
    add(&mut rows);
    assert_eq!(read(&path), old);
    assert!(rows.finish(false).expect("no error").is_none());
    assert!(
        open(&path, false)
            .expect("no error")
            .finish(false)
            .expect("no error")
            .is_none()
    );
    assert_eq!((read(&path).as_str(), count(&folder)), (old, 1));
    reject_one(&path, false).expect("no error");
    assert_eq!((read(&path).as_str(), count(&folder)), (REJECTED, 1));
    assert!(
        open(&path, false)
            .expect("no error")
            .finish(true)
            .expect("no error")
            .is_none()
    );
    assert_eq!(count(&folder), 0);
}

#[test]
fn a_file_that_appears_during_the_import_is_not_replaced() {
    let folder = folder();
    let path = folder.path().join("x.csv");
    let mut rows = open(&path, false).expect("no error");
    add(&mut rows);
    rows.confirm();
    fs::write(&path, "precious").expect("no error");
    assert!(rows.finish(true).is_err());
    assert_eq!(read(&path), "precious");
}

#[test]
fn symbolic_links_are_written_through() {
    let folder = folder();
    let (link, target) = (folder.path().join("link"), folder.path().join("x.csv"));
    symlink("x.csv", &link).expect("no error");
    for _ in 0..2 {
        reject_one(&link, false).expect("no error");
        assert!(link.is_symlink() && !target.is_symlink());
        assert_eq!(read(&target), REJECTED);
    }
    fs::write(&target, "precious").expect("no error");
    assert!(reject_one(&link, false).is_err());
    assert_eq!(read(&target), "precious");
}

#[test]
fn pipes_and_devices_are_written_and_kept() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("no error");
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || read(&pipe)
    });
    reject_one(&pipe, false).expect("no error");
    assert_eq!(reader.join().expect("no error"), REJECTED);
    assert!(pipe.exists() && count(&folder) == 1);
    reject_one(Path::new("/dev/null"), false).expect("no error");
    for stdout in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let target = RejectedTarget::new(Path::new(stdout), false, b',').expect("no error");
        assert!(matches!(target, RejectedTarget::Stdout), "{stdout}");
    }
}

#[test]
fn an_unwritable_folder_is_an_error_only_for_a_rejected_row() {
    // Not a read-only folder, in which root could still write.
    let path = Path::new("/proc/sys/x.csv");
    assert!(
        open(path, false)
            .expect("no error")
            .finish(true)
            .expect("no error")
            .is_none()
    );
    let mut rows = open(path, false).expect("no error");
    assert!(rows.add(&row(&[]), "no").is_err());
}

#[test]
fn rows_of_any_length_are_sorted_by_their_lines() {
    let mut file = tempfile::tempfile().expect("a temporary file");
    let text = "line;reason;x\n10;no;\"a\n2;b\"\n9;no\n2;\"no; no\";z\n";
    file.write_all(text.as_bytes()).expect("written");
    sort_by_line(&mut file, b';').expect("sorted");
    let mut sorted = String::new();
    file.rewind().expect("rewound");
    file.read_to_string(&mut sorted).expect("text");
    assert_eq!(
        sorted,
        "line;reason;x\n2;\"no; no\";z\n9;no\n10;no;\"a\n2;b\"\n"
    );
}
