//! Exports of a tenant that end early.

use std::{fs, path::Path};

use super::{
    FAILURE, SUCCESS,
    fake::{self, Cut, Fake, Server},
    read, run, write,
};

/// The files of an export of the fake, in the order of their names.
fn exported() -> [(&'static str, String); 3] {
    let ids: Vec<_> = (0..fake::MEMBERS).map(|it| format!("m{it}")).collect();
    let contact = |id: &String| format!("{id},PERSON,\"Zero, Ada\",,,false,true,\n");
    let membership = |id: &String| format!("{id},MOVE\n");
    let columns =
        "id,kind,name,company_id,email,exclude_from_segments,privacy_blocked,attributes\n";
    let contacts: String = ids.iter().map(contact).collect();
    let memberships: String = ids.iter().map(membership).collect();
    [
        ("contacts.csv", format!("{columns}{contacts}")),
        (
            "mailing_groups.csv",
            "code,description\nMOVE,\"Over, there\"\n".to_owned(),
        ),
        ("memberships.csv", format!("contact_id,code\n{memberships}")),
    ]
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_export_writes_each_row_once_after_many_interruptions() {
    let cuts = [
        Cut::Silent(0),
        // After the group, and after contacts that came without their memberships.
        Cut::Unavailable(1),
        Cut::Silent(2),
        Cut::Unavailable(4),
        Cut::Unavailable(0),
        Cut::Overdue(3),
        Cut::Silent(4),
    ];
    let server = Server::start(Fake::cutting(cuts));
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("new/copy");
    let arguments = format!("export folder {} --tenant t-1", copy.display());
    assert_eq!(run(&server.endpoint, &arguments), SUCCESS);
    assert_eq!(
        *server.fake.resumed.lock().unwrap(),
        ["", "", "", "", "3", "3", "6", "10"]
    );
    for (name, text) in exported() {
        assert_eq!(fs::read_to_string(copy.join(name)).unwrap(), text);
    }
    assert_eq!(names(&copy), exported().map(|(name, _)| name));
    let import = format!("import folder {}", copy.display());
    assert_eq!(run(&server.endpoint, &import), SUCCESS);
}

#[test]
fn an_incomplete_export_writes_and_replaces_no_file() {
    for (cuts, flags) in [
        (vec![Cut::Refused], ""),
        (vec![Cut::Silent(9)], "--retry-for 0"),
        (vec![Cut::Overdue(0)], ""),
        // Repeated pages are no progress.
        (vec![Cut::Unavailable(2); 50], "--retry-for 300ms"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, "contacts.csv", "before");
        let new = folder.path().join("new/copy");
        for (path, flags) in [
            (new.as_path(), flags.to_owned()),
            (folder.path(), format!("{flags} --force")),
        ] {
            let server = Server::start(Fake::cutting(cuts.clone()));
            let arguments = format!("export folder {} {flags}", path.display());
            assert_eq!(run(&server.endpoint, &arguments), FAILURE);
            assert_eq!(names(folder.path()), ["contacts.csv"]);
        }
        assert_eq!(read(&folder, "contacts.csv"), "before");
    }
}

#[test]
fn an_export_replaces_files_only_with_force() {
    let server = Server::start(Fake::default());
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "memberships.csv", "before");
    let arguments = format!("export folder {}", folder.path().display());
    assert_eq!(run(&server.endpoint, &arguments), FAILURE);
    assert!(server.fake.tenants.lock().unwrap().is_empty());
    assert_eq!(names(folder.path()), ["memberships.csv"]);
    let arguments = format!("{arguments} --force");
    assert_eq!(run(&server.endpoint, &arguments), SUCCESS);
    for (name, text) in exported() {
        assert_eq!(read(&folder, name), text);
    }
}
