//! The start of the service, and the database at its start.

use std::{fs, net::TcpListener};

use super::{fails, write};
use crate::{
    support::scratch,
    tour::service::{Service, run},
};

#[test]
fn the_start_prints_the_address_and_calls_are_answered() {
    let service = Service::shared();
    let (greeting, address) = (&service.greeting, &service.address);
    let version = env!("CARGO_PKG_VERSION");
    let serves = format!("mailing-groups {version} serves gRPC on {address}\n");
    assert!(greeting.starts_with(&serves), "{greeting}");
    let data_dir = service.data_dir.canonicalize().unwrap();
    let data = format!("Data: {} (private PostgreSQL ", data_dir.display());
    assert!(greeting.contains(&data), "{greeting}");
    assert!(
        greeting.contains(&format!("grpcurl -plaintext {address} list")),
        "{greeting}"
    );
}

#[test]
fn a_second_service_on_a_data_directory_is_rejected() {
    let service = Service::shared();
    let data_dir = service.data_dir.to_str().unwrap();
    for command in ["serve --listen 127.0.0.1:0", "migrate"] {
        let ended = run(command.split(' ').chain(["--data-dir", data_dir]));
        fails(
            &ended,
            1,
            &["is in use by another mailing-groups service", "--data-dir"],
        );
    }
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_started() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = scratch();
    let data_dir = folder.path().join("data");
    let ended = run([
        "--listen",
        &address,
        "--data-dir",
        data_dir.to_str().unwrap(),
    ]);
    fails(
        &ended,
        1,
        &[&format!("cannot listen on {address}"), "in use", "--listen"],
    );
    assert!(!data_dir.exists());
}

#[test]
fn data_of_another_postgresql_names_the_package_to_install() {
    let folder = scratch();
    fs::create_dir(folder.path().join("postgres")).unwrap();
    write(folder.path(), "postgres/PG_VERSION", "99\n");
    let ended = run(["migrate", "--data-dir", folder.path().to_str().unwrap()]);
    fails(
        &ended,
        1,
        &[
            "was written by PostgreSQL 99",
            "apt-get install postgresql-99",
        ],
    );
}

#[test]
fn a_database_can_be_migrated_any_number_of_times() {
    let folder = scratch();
    let migrate = || run(["migrate", "--data-dir", folder.path().to_str().unwrap()]);
    let (first, second) = (migrate(), migrate());
    assert_eq!(
        (first.code, second.code),
        (Some(0), Some(0)),
        "{}",
        first.stderr
    );
    assert!(first.stdout.starts_with("Migrated: 2"), "{}", first.stdout);
    assert_eq!(second.stdout, "The database is up to date.\n");
}

#[test]
fn an_unreachable_database_is_reported_without_its_password() {
    let url = "postgres://me:secret@127.0.0.1:1/nothing";
    let ended = run(["migrate", "--database-url", url]);
    fails(
        &ended,
        1,
        &[
            "the database does not answer",
            "database nothing on 127.0.0.1:1 (from --database-url)",
        ],
    );
    assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
}
