//! The system user that PostgreSQL runs as. PostgreSQL refuses to run as root, so a service started
//! by root runs it as an unprivileged user.

use std::{
    env, fs, io,
    os::unix::{
        fs::{MetadataExt, chown, lchown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use nix::unistd::{Uid, User, geteuid};

use super::{Error, programs::Programs};

/// The users that run a new cluster of root's: the first that exists.
const UNPRIVILEGED_USERS: [&str; 2] = ["postgres", "nobody"];

/// The environment variables that PostgreSQL's programs inherit: no `PG…` variable, no secret.
const PASSED_ENVIRONMENT: [&str; 5] = ["PATH", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LOCALE_ARCHIVE"];

/// The system user that runs PostgreSQL.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    uid: u32,
    gid: u32,
    /// Whether this is another user than the current one.
    other: bool,
}

impl Owner {
    /// The user that runs the cluster at `path`: its owner; for a new cluster the current user
    /// or, for root, an unprivileged one.
    pub(super) fn of(path: &Path) -> Result<Self, Error> {
        let existing = fs::metadata(path)
            .ok()
            .map(|metadata| (metadata.uid(), metadata.gid()));
        let me = geteuid().as_raw();
        match existing {
            Some((uid, _)) if uid != me && me != 0 => Err(not_ours(path, uid)),
            Some((uid, gid)) if uid != 0 => Ok(Self {
                uid,
                gid,
                other: uid != me,
            }),
            _ if me != 0 => Ok(Self {
                uid: me,
                gid: nix::unistd::getegid().as_raw(),
                other: false,
            }),
            _ => unprivileged(),
        }
    }

    /// The numeric id.
    pub(super) fn uid(&self) -> u32 {
        self.uid
    }

    /// The name, for messages.
    pub(super) fn name(&self) -> String {
        name(self.uid)
    }

    /// A command that runs `program` as this user (without supplementary groups, if it is
    /// another one), in a directory that every user can enter, with a minimal environment.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .env_clear()
            .env("LC_ALL", "C");
        command.envs(
            PASSED_ENVIRONMENT
                .iter()
                .filter_map(|key| Some((key, env::var_os(key)?))),
        );
        if self.other {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Whether this user can enter `folder`. Tried, not computed, so that access control lists
    /// and special file systems count too.
    pub(super) fn can_access(&self, folder: &Path, programs: &Programs) -> bool {
        let mut command = self.command(&programs.postgres());
        command
            .arg("--version")
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Makes this user the owner of `path`.
    pub(super) fn chown(&self, path: &Path) -> Result<(), Error> {
        if !self.other {
            return Ok(());
        }
        chown(path, Some(self.uid), Some(self.gid)).map_err(|source| Error::file(path, source))
    }

    /// Makes this user the owner of `folder` and its contents, if it is not: root may have
    /// restored it from a copy.
    pub(super) fn chown_all(&self, folder: &Path) -> Result<(), Error> {
        let metadata = fs::metadata(folder).map_err(|source| Error::file(folder, source))?;
        if !self.other || metadata.uid() == self.uid {
            return Ok(());
        }
        self.chown_tree(folder)
            .map_err(|source| Error::file(folder, source))
    }

    /// Changes the owner of `path` last, so that an interrupted walk is repeated.
    fn chown_tree(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.chown_tree(&entry?.path())?;
            }
        }
        lchown(path, Some(self.uid), Some(self.gid))
    }
}

/// The first of [`UNPRIVILEGED_USERS`] that exists.
fn unprivileged() -> Result<Owner, Error> {
    let user = UNPRIVILEGED_USERS
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten());
    let user = user.ok_or(Error::NoUser)?;
    Ok(Owner {
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        other: true,
    })
}

/// The error for a failed use of `path`; says if the reason is that another user owns it.
pub(super) fn denied(path: &Path, source: io::Error) -> Error {
    let existing = path
        .ancestors()
        .find_map(|path| Some((path, fs::metadata(path).ok()?)));
    match existing {
        Some((path, metadata))
            if source.kind() == io::ErrorKind::PermissionDenied
                && metadata.uid() != geteuid().as_raw() =>
        {
            not_ours(path, metadata.uid())
        }
        _ => Error::file(path, source),
    }
}

fn not_ours(path: &Path, owner: u32) -> Error {
    let user = name(geteuid().as_raw());
    Error::NotOurs {
        path: path.to_owned(),
        owner: name(owner),
        user,
    }
}

/// The name of a user, or the number of one without a name.
fn name(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| uid.to_string(), |user| user.name)
}
