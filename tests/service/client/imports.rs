//! Imports from files.

use std::path::Path;

use super::{
    FAILURE, SUCCESS,
    fake::{self, Fake, Server, UploadFault},
    read, run, some_rejected, write,
};

const CONTACTS: &str = "\
name,id,kind,privacy_blocked\r
Ada,P1,person,yes\r
Acme,C1,Company,\r
\r
Bad,bad1,PERSON,0\r
Odd,O1,ROBOT,0\r
Short\r
\"Two
lines\",P2,PERSON,perhaps\r
Bea,bad2,COMPANY,1\r
Cy,P3,PERSON,1\r
";

#[test]
fn rejected_contacts_are_written_with_line_and_reason() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "c.csv", CONTACTS);
    let arguments = format!("import contacts {file} --chunk 2");
    assert_eq!(run(&server.endpoint, &arguments), some_rejected());
    assert_eq!(
        *server.fake.received.lock().unwrap(),
        ["C1", "bad2", "P1", "bad1", "P3"]
    );
    assert_eq!(
        read(&folder, "c.rejected.csv"),
        "line,reason,name,id,kind,privacy_blocked\n\
         5,id: starts with bad,Bad,bad1,PERSON,0\n\
         6,kind: `ROBOT` is neither COMPANY nor PERSON,Odd,O1,ROBOT,0\n\
         7,\"the row has 1 field, the header has 4\",Short\n\
         8,\"privacy_blocked: `perhaps` is none of true, false, yes, no, 1, 0\",\
         \"Two\nlines\",P2,PERSON,perhaps\n\
         10,id: starts with bad,Bea,bad2,COMPANY,1\n"
    );
}

#[test]
fn an_upload_has_a_bounded_number_of_chunks_in_flight() {
    let server = Server::start(Fake::uploading(UploadFault::Withhold));
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..100).map(|it| format!("C{it},COMPANY,x\n")).collect();
    let file = write(
        &folder,
        "c.csv",
        &format!("id,kind,name\n{}", rows.concat()),
    );
    assert_eq!(
        run(
            &server.endpoint,
            &format!("import contacts {file} --chunk 3")
        ),
        SUCCESS
    );
    assert_eq!(server.fake.received.lock().unwrap().len(), 100);
    assert_eq!(
        *server.fake.most_in_flight.lock().unwrap(),
        fake::MAX_IN_FLIGHT
    );
}

#[test]
fn an_import_without_a_summary_fails() {
    for fault in [
        UploadFault::Break,
        UploadFault::NoSummary,
        UploadFault::WrongCount,
    ] {
        let server = Server::start(Fake::uploading(fault));
        let folder = tempfile::tempdir().unwrap();
        let file = write(
            &folder,
            "c.csv",
            "id,kind,name\nbad,COMPANY,x\nC2,COMPANY,y\n",
        );
        let arguments = format!("import contacts {file} --chunk 1 --retry-for 0");
        assert_eq!(run(&server.endpoint, &arguments), FAILURE, "{fault:?}");
        // The rows rejected until then are kept.
        assert!(read(&folder, "c.rejected.csv").contains("2,id: starts with bad"));
    }
}

#[test]
fn an_import_resumes_after_the_last_committed_item() {
    let server = Server::start(Fake::uploading(UploadFault::Break));
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..9).map(|it| format!("C{it},COMPANY,x\n")).collect();
    let text = format!("id,kind,name\nbad,COMPANY,x\n{}", rows.concat());
    let file = write(&folder, "c.csv", &text);
    let arguments = format!("import contacts {file} --chunk 1 --import-id again");
    assert_eq!(run(&server.endpoint, &arguments), some_rejected());
    let imports = server.fake.imports.lock().unwrap().clone();
    assert_eq!(imports["again"], (10, 1));
    let received = server.fake.received.lock().unwrap().clone();
    assert_eq!(received.len(), 10, "{received:?}");
    let rejected = read(&folder, "c.rejected.csv");
    assert_eq!(rejected.lines().count(), 2);
    // Again with the same id: nothing is left to do.
    assert_eq!(run(&server.endpoint, &arguments), SUCCESS);
    assert_eq!(server.fake.received.lock().unwrap().len(), 10);
}

#[test]
fn an_import_ends_when_acknowledged_rows_are_lost() {
    let server = Server::start(Fake::uploading(UploadFault::Lose));
    let folder = tempfile::tempdir().unwrap();
    let file = write(
        &folder,
        "c.csv",
        "id,kind,name\nC1,COMPANY,x\nC2,COMPANY,y\n",
    );
    let arguments = format!("import contacts {file} --chunk 1 --import-id again");
    assert_eq!(run(&server.endpoint, &arguments), FAILURE);
    // C2 is not sent as the first item.
    let received = server.fake.received.lock().unwrap().clone();
    assert_eq!(received, ["C1"]);
}

#[test]
fn a_stream_that_becomes_too_old_is_continued_but_not_in_a_dry_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(
        &folder,
        "c.csv",
        "id,kind,name\nC1,COMPANY,x\nC2,COMPANY,y\n",
    );
    for (flag, code, expected) in [
        ("", SUCCESS, &["C1", "C2"][..]),
        (" --dry-run", FAILURE, &["C1"]),
        (" --retry-for 0", FAILURE, &["C1"]),
    ] {
        let server = Server::start(Fake::uploading(UploadFault::Overdue));
        let arguments = format!("import contacts {file} --chunk 1{flag}");
        assert_eq!(run(&server.endpoint, &arguments), code, "{flag}");
        assert_eq!(*server.fake.received.lock().unwrap(), expected, "{flag}");
    }
}

#[test]
fn memberships_are_imported_and_a_stale_file_of_rejected_rows_is_removed() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "m.rejected.csv", "line\treason\n1\tstale\n");
    let file = write(&folder, "m.csv", "code\tcontact_id\nMOVE\tP1\nGIFT\tP1\n");
    let arguments = format!("import memberships {file} --delimiter tab");
    assert_eq!(run(&server.endpoint, &arguments), SUCCESS);
    assert!(!folder.path().join("m.rejected.csv").exists());
    let file = write(&folder, "m.csv", "contact_id,code\nP1,MOVE\nP1,NONE\n");
    let arguments = format!("import memberships {file}");
    assert_eq!(run(&server.endpoint, &arguments), some_rejected());
    let rejected = read(&folder, "m.rejected.csv");
    assert_eq!(
        rejected,
        "line,reason,contact_id,code\n3,UNKNOWN_GROUP: no such group,P1,NONE\n"
    );
}

#[test]
fn groups_are_created_or_updated_and_the_last_row_of_a_code_wins() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    let text = "description,code\nOld,MOVE\nGifts,GIFT\nNew,move\nnope,NOT OK\n";
    let file = write(&folder, "g.csv", text);
    let arguments = format!("import groups {file}");
    for _ in 0..2 {
        assert_eq!(run(&server.endpoint, &arguments), some_rejected());
        let groups = server.fake.groups.lock().unwrap().clone();
        let groups: Vec<_> = groups
            .iter()
            .map(|(code, text)| (&code[..], &text[..]))
            .collect();
        assert_eq!(groups, [("GIFT", "Gifts"), ("MOVE", "New")]);
    }
    let rejected = read(&folder, "g.rejected.csv");
    assert_eq!(
        rejected,
        "line,reason,description,code\n5,mailing_group.code: letters only,nope,NOT OK\n"
    );
}

#[test]
fn an_invalid_file_is_rejected_before_anything_is_sent() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "c.csv", "id,kind,title\nC1,COMPANY,x\n");
    assert_eq!(
        run(&server.endpoint, &format!("import contacts {file}")),
        FAILURE
    );
    assert_eq!(
        run(&server.endpoint, "import contacts /nowhere.csv"),
        FAILURE
    );
    let empty = write(&folder, "empty.csv", "");
    let arguments = format!("import contacts {empty}");
    assert_eq!(run(&server.endpoint, &arguments), FAILURE);
    let groups = write(&folder, "g.csv", "code,description\nA,b\n");
    write(&folder, "g.rejected.csv", "precious");
    let arguments = format!("import groups {groups}");
    assert_eq!(run(&server.endpoint, &arguments), FAILURE);
    let into_itself = format!("import memberships {file} --rejected {file}");
    assert_eq!(run(&server.endpoint, &into_itself), FAILURE);
    assert!(server.fake.tenants.lock().unwrap().is_empty());
    assert!(Path::new(&file).exists());
    assert_eq!(read(&folder, "g.rejected.csv"), "precious");
    assert_eq!(
        run(&server.endpoint, &format!("{arguments} --force")),
        SUCCESS
    );
    assert_eq!(read(&folder, "g.rejected.csv"), "precious");
}
