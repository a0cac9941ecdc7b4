//! A disk without space.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::MetadataExt,
    path::Path,
    process::Command,
};

use mailing_groups::{pb, postgres::Durability};
use tokio::task::JoinSet;
use tokio_postgres::config::Host;
use tonic::{Code, Status};

use super::parts;
use crate::support::{
    Pool, Server, Sql, Tenant, company, info, migrate, person, postgres::start_cluster, scratch,
};

/// Space for a database and little more.
const SIZE: &str = "size=40m";

/// The longest name.
const MAX_NAME: usize = 100;

/// Concurrent calls.
const CALLS: usize = 400;

/// A small file system in memory; unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts one that PostgreSQL can write to; `None` without the right to mount.
    fn mount(postgres: &Path) -> Option<Self> {
        let folder = scratch();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]);
        let mounted = mount.arg(folder.path()).output();
        if !mounted.is_ok_and(|it| it.status.success()) {
            eprintln!("SKIPPED: a file system cannot be mounted (needs root)");
            return None;
        }
        let disk = Self(folder);
        let owner = fs::metadata(postgres).unwrap();
        std::os::unix::fs::chown(disk.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        Some(disk)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Uses up all space; deleting the file gives it back.
    fn fill(&self) -> std::path::PathBuf {
        let path = self.path().join("filler");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmount = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmount.unwrap().success());
    }
}

/// Assigns a group to many contacts at the same time.
async fn assign_all(tenant: &Tenant) -> Vec<Result<pb::AssignMailingGroupResponse, Status>> {
    let mut calls = JoinSet::new();
    for n in 0..CALLS {
        let mut tenant = tenant.clone();
        calls.spawn(async move { tenant.try_assign(&format!("P{n}"), "MOVE").await });
    }
    calls.join_all().await
}

/// The service's backends.
async fn backends(sql: &Sql) -> Vec<i32> {
    let query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
        AND application_name = 'mailing-groups' ORDER BY backend_start";
    let rows = sql.rows(query, &[]).await;
    rows.iter().map(|row| row.get(0)).collect()
}

/// A cluster of its own: PostgreSQL may end when a disk fails.
#[tokio::test]
async fn a_full_disk_refuses_writes_only_and_only_as_long_as_it_is_full() {
    let folder = scratch();
    let cluster = start_cluster(folder.path(), Durability::None).await;
    let config: tokio_postgres::Config = cluster.url().parse().unwrap();
    let Host::Unix(sockets) = &config.get_hosts()[0] else {
        panic!("not on a Unix socket: {}", cluster.url());
    };
    let disk = SmallDisk::mount(sockets);
    if let Some(disk) = &disk {
        let admin = Sql::connect(cluster.url()).await;
        let path = disk.path().display();
        admin
            .run(&format!("CREATE TABLESPACE small LOCATION '{path}'"))
            .await;
        admin.run("CREATE DATABASE small TABLESPACE small").await;
        let (name, _) = parts(cluster.url());
        let url = cluster.url().strip_suffix(name).unwrap().to_owned() + "small";
        migrate(&url).await;
        serve_on(&url, disk).await;
    }
    cluster.stop().await.unwrap();
}

async fn serve_on(url: &str, disk: &SmallDisk) {
    let server = Server::via(url, url, Pool::default(), Default::default()).await;
    let sql = Sql::connect(url).await;
    let mut tenant = Tenant::of(&server, "t").await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    let persons: Vec<_> = (0..CALLS).map(|n| person(&format!("P{n}"), "A")).collect();
    tenant.import_contacts(&persons).await;

    let filler = disk.fill();
    // Rows fill the pages that exist, until one more is needed.
    let mut refused = None;
    for n in 0.. {
        let mut company = company(&format!("C{n}"));
        company.name = "x".repeat(MAX_NAME);
        if let Err(status) = tenant.try_create(company).await {
            refused = Some(status);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert_eq!(info(&refused).reason, "DATABASE_FULL");
    let before = backends(&sql).await;
    let answers = assign_all(&tenant).await;
    let refused = answers.into_iter().filter_map(Result::err);
    for status in refused {
        assert_eq!(info(&status).reason, "DATABASE_FULL", "{status:?}");
    }
    tenant.get_group("MOVE").await.unwrap();
    let after = backends(&sql).await;
    assert_eq!(after[..before.len()], before, "connections were closed");

    fs::remove_file(filler).unwrap();
    for answer in assign_all(&tenant).await {
        answer.unwrap();
    }
    assert_eq!(tenant.members("MOVE").await.len(), CALLS);
}
