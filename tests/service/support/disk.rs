//! A disk that can be filled.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use tokio_postgres::config::Host;

use super::{Sql, scratch};

/// A small file system in memory; unmounted when dropped.
pub(crate) struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts one of a size such as `40m`, that the PostgreSQL of this URL can write to; `None`
    /// without the right to mount.
    pub(crate) fn mount(url: &str, size: &str) -> Option<Self> {
        let config: tokio_postgres::Config = url.parse().unwrap();
        let Host::Unix(sockets) = &config.get_hosts()[0] else {
            panic!("not on a Unix socket: {url}");
        };
        let folder = scratch();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        let mounted = mount.arg(folder.path()).output();
        if !mounted.is_ok_and(|it| it.status.success()) {
            eprintln!("SKIPPED: a file system cannot be mounted (needs root)");
            return None;
        }
        let disk = Self(folder);
        let owner = fs::metadata(sockets).unwrap();
        std::os::unix::fs::chown(disk.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        Some(disk)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Creates a database on it, in the PostgreSQL of this URL; its URL.
    pub(crate) async fn database(&self, url: &str) -> String {
        let admin = Sql::connect(url).await;
        let path = self.path().display();
        let space = format!("CREATE TABLESPACE small LOCATION '{path}'");
        admin.run(&space).await;
        admin.run("CREATE DATABASE small TABLESPACE small").await;
        let (server, _) = url.rsplit_once('/').unwrap();
        format!("{server}/small")
    }

    /// Uses up all space; deleting the file gives it back.
    pub(crate) fn fill(&self) -> PathBuf {
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
