//! Files that are not as RFC 4180 has them, or not CSV at all.

use std::{fs, process::ExitCode};

use super::{
    FAILURE, SUCCESS,
    fake::{Fake, Server},
    read, run, some_rejected, write,
};

/// Imports contacts from a file of this text: how it ends, the ids that the service received, and
/// the rejected rows.
fn import(text: &str) -> (ExitCode, Vec<String>, String) {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "c.csv", text);
    let ended = run(&server.endpoint, &format!("import contacts {file}"));
    let received = server.fake.received.lock().unwrap().clone();
    let rejected = fs::read_to_string(folder.path().join("c.rejected.csv"));
    (ended, received, rejected.unwrap_or_default())
}

#[test]
fn an_unclosed_quote_rejects_its_row_and_no_other() {
    let header = "id,kind,name,email,reason\r\n";
    for (row, rejected) in [
        // In the first column, in the last one that is read, in one that is not read.
        ("\"P2,PERSON,Open,,", "\"\"\"P2,PERSON,Open,,\""),
        ("P2,PERSON,Open,\"x@y", "P2,PERSON,Open,\"\"\"x@y\""),
        ("P2,PERSON,Open,,\"old", "P2,PERSON,Open,"),
    ] {
        for next in ["P3,PERSON,Bea,,", "P3,PERSON,\"Bea\",\"\","] {
            let text = format!("{header}P1,PERSON,Ada,,\r\n{row}\n{next}\rP4,PERSON,Cy,,");
            let (ended, received, file) = import(&text);
            assert_eq!(ended, some_rejected());
            assert_eq!(received, ["P1", "P3", "P4"]);
            let reason = "a quote opened in line 3 is not closed";
            let header = "line,reason,id,kind,name,email";
            assert_eq!(file, format!("{header}\n3,{reason},{rejected}\n"));
        }
    }
}

#[test]
fn many_unclosed_quotes_reject_a_row_each() {
    let row = |n| match n % 500 {
        0 => format!("P{n},PERSON,\"Open\n"),
        _ => format!("P{n},PERSON,Name\n"),
    };
    let rows: String = (1..=3_000).map(row).collect();
    let (ended, received, rejected) = import(&format!("id,kind,name\n{rows}"));
    assert_eq!((ended, received.len()), (some_rejected(), 2_994));
    assert_eq!(rejected.lines().count(), 1 + 6);
}

#[test]
fn quotes_are_kept_inside_a_value_and_refused_behind_one() {
    let (ended, received, rejected) = import(
        "id,kind,name\nP1,PERSON,Edward \"Ed\" Norton\nP2,PERSON,\"Bob\" Smith\nP3,PERSON,5\" Disk\n",
    );
    assert_eq!(
        (ended, received),
        (some_rejected(), vec!["P1".into(), "P3".into()])
    );
    assert_eq!(
        rejected,
        "line,reason,id,kind,name\n3,text follows a closing quote; double the quotes inside a \
         quoted value,P2,PERSON,\"\"\"Bob\"\" Smith\"\n"
    );
}

#[test]
fn empty_columns_and_rows_are_skipped() {
    let text = "id,kind,name,,\n,,,,\nP1,PERSON,Ada,,\nP2,PERSON,Bea\n ,\nP3,PERSON,Cy,,,,\nP4,PERSON,Di,x,\n,,,,";
    let (ended, received, rejected) = import(text);
    assert_eq!(
        (ended, received),
        (some_rejected(), vec!["P1".into(), "P2".into(), "P3".into()])
    );
    assert_eq!(
        rejected,
        "line,reason,id,kind,name,,\n7,column 4 has a value but no name,P4,PERSON,Di,x,\n"
    );
}

#[test]
fn a_file_that_is_no_csv_is_refused_before_anything_is_sent() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.csv");
    for start in [
        &b"PK\x03\x04"[..],
        b"\x1f\x8b\x08",
        b"{}",
        b"\xff\xfei\0d\0",
        b"",
    ] {
        fs::write(&file, start).unwrap();
        let arguments = format!("import contacts {}", file.display());
        assert_eq!(run(&server.endpoint, &arguments), FAILURE);
    }
    assert!(server.fake.tenants.lock().unwrap().is_empty());
    fs::write(&file, "\u{feff}id,kind,name\nP1,PERSON,Ada").unwrap();
    let arguments = format!("import contacts {}", file.display());
    assert_eq!(run(&server.endpoint, &arguments), SUCCESS);
    assert_eq!(read(&folder, "c.csv").lines().count(), 2);
}
