//! Creates the cluster, once. It is made under a temporary name and renamed when complete, so an
//! interrupted creation leaves nothing that is taken for a cluster.

use std::{
    fs::{self, File, Permissions},
    io::ErrorKind,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use tempfile::Builder;
use tracing::{info, warn};

use super::{
    Durability, Error, logs,
    owner::{self, Owner},
    programs::Programs,
};

/// The cluster in the data directory: a directory, or a symbolic link to one.
pub(super) const NAME: &str = "postgres";

/// Prefix of the names of unfinished clusters.
const UNFINISHED: &str = "postgres.new-";

/// Where a cluster lies if the user that runs PostgreSQL cannot access the data directory.
const FALLBACK_DIR: &str = "/var/lib/mailing-groups";

/// Name of the superuser and of the database.
pub(super) const SUPERUSER: &str = "mailing_groups";

/// Time limit of `initdb`, which takes a second or two, more on a slow disk.
const INITDB_TIMEOUT: Duration = Duration::from_secs(300);

/// The cluster of `data_dir` and its major version, if there is one.
pub(super) fn major(data_dir: &Path) -> Result<Option<(PathBuf, u32)>, Error> {
    let cluster = data_dir.join(NAME);
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some((cluster, major))),
            Err(_) => Err(Error::NotACluster { path: cluster }),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(Error::NotACluster { path: cluster })
        }
        Err(source) => Err(owner::denied(&path, source)),
    }
}

/// The directory of the cluster, which is created if there is none.
pub(super) async fn ensure(
    data_dir: &Path,
    programs: &Programs,
    owner: &Owner,
    durability: Durability,
) -> Result<PathBuf, Error> {
    remove_unfinished(data_dir);
    let name = data_dir.join(NAME);
    if !name.join("PG_VERSION").exists() {
        refuse_other_contents(&name)?;
        let created = create(data_dir, programs, owner, durability).await;
        created.inspect_err(|_| remove_unfinished(data_dir))?;
    }
    let cluster = name
        .canonicalize()
        .map_err(|source| Error::file(name, source))?;
    owner.chown_all(&cluster)?;
    if owner.can_access(&cluster, programs) {
        Ok(cluster)
    } else {
        Err(Error::Unreachable {
            path: cluster,
            user: owner.name(),
        })
    }
}

async fn create(
    data_dir: &Path,
    programs: &Programs,
    owner: &Owner,
    durability: Durability,
) -> Result<(), Error> {
    let unfinished = if owner.can_access(data_dir, programs) {
        private_folder(data_dir)?
    } else {
        link_to_fallback(data_dir)?
    };
    let folder = unfinished
        .canonicalize()
        .map_err(|source| Error::file(&unfinished, source))?;
    info!(
        "creating the database in {}: PostgreSQL {}, run by the user {}",
        data_dir.join(NAME).display(),
        programs.version,
        owner.name()
    );
    owner.chown(&folder)?;
    initialise(&folder, programs, owner, durability).await?;
    publish(&unfinished, &data_dir.join(NAME))
}

/// Builds directories that only their owner can enter.
pub(super) fn private(prefix: &str) -> Builder<'_, '_> {
    let mut builder = Builder::new();
    builder
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700));
    builder
}

/// A new directory in `parent` with access for the current user only.
fn private_folder(parent: &Path) -> Result<PathBuf, Error> {
    let folder = private(UNFINISHED).tempdir_in(parent);
    Ok(folder
        .map_err(|source| owner::denied(parent, source))?
        .keep())
}

/// A link in `data_dir` to a new directory that the user who runs PostgreSQL can access.
fn link_to_fallback(data_dir: &Path) -> Result<PathBuf, Error> {
    let failed = |source| Error::file(FALLBACK_DIR, source);
    fs::create_dir_all(FALLBACK_DIR).map_err(failed)?;
    fs::set_permissions(FALLBACK_DIR, Permissions::from_mode(0o755)).map_err(failed)?;
    let folder = private("")
        .rand_bytes(12)
        .tempdir_in(FALLBACK_DIR)
        .map_err(failed)?
        .keep();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let link = data_dir.join(format!("{UNFINISHED}{name}"));
    symlink(&folder, &link).map_err(|source| Error::file(&link, source))?;
    info!(
        "the user that runs PostgreSQL cannot access {}: creating the database in {} instead",
        data_dir.display(),
        folder.display()
    );
    Ok(link)
}

/// Runs `initdb` with the first locale that it accepts.
async fn initialise(
    folder: &Path,
    programs: &Programs,
    owner: &Owner,
    durability: Durability,
) -> Result<(), Error> {
    for locale in locales(programs.version.major()) {
        let mut command = owner.command(&programs.initdb());
        command.arg("--pgdata").arg(folder).args(*locale);
        command.arg(format!("--username={SUPERUSER}"));
        command.args([
            "--encoding=UTF8",
            "--data-checksums",
            "--auth=trust",
            "--no-instructions",
        ]);
        command.args((durability == Durability::None).then_some("--no-sync"));
        let output = run(command).await?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        if !text.contains("locale") || *locale == ["--locale=C"] {
            return Err(Error::InitDb {
                status: output.status,
                output: logs::last_lines(&text),
            });
        }
    }
    unreachable!("the last locale is accepted or returns its error")
}

/// The locales to try. All order text by code point; the first ones know upper and lower case of
/// all scripts. The built-in provider behaves the same on every system.
fn locales(major: u32) -> &'static [&'static [&'static str]] {
    const ALL: &[&[&str]] = &[
        &[
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ],
        &["--locale=C.UTF-8"],
        &["--locale=C"],
    ];
    if major >= 17 { ALL } else { &ALL[1..] }
}

/// Runs `initdb`. Its output is piped, so it ends soon if this process is killed.
async fn run(command: Command) -> Result<Output, Error> {
    let program = PathBuf::from(command.get_program());
    let mut command = tokio::process::Command::from(command);
    let output = command.process_group(0).kill_on_drop(true).output();
    match tokio::time::timeout(INITDB_TIMEOUT, output).await {
        Ok(output) => output.map_err(|source| Error::Program { program, source }),
        Err(_) => Err(Error::InitDbTimeout {
            waited: INITDB_TIMEOUT,
        }),
    }
}

/// Renames the complete cluster and syncs the rename to disk.
fn publish(unfinished: &Path, name: &Path) -> Result<(), Error> {
    // `rename` cannot replace an empty directory by a link.
    let _ = fs::remove_dir(name);
    fs::rename(unfinished, name).map_err(|source| Error::file(name, source))?;
    let parent = name.parent().unwrap_or(name);
    let synced = File::open(parent).and_then(|folder| folder.sync_all());
    synced.map_err(|source| Error::file(parent, source))
}

/// Refuses to create a cluster over other files, or while the target of its link is missing.
fn refuse_other_contents(name: &Path) -> Result<(), Error> {
    let path = name.to_owned();
    match fs::read_dir(name).map(Iterator::count) {
        Ok(0) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::read_link(name) {
            Ok(target) => Err(Error::ClusterGone { link: path, target }),
            Err(_) => Ok(()),
        },
        _ => Err(Error::NotACluster { path }),
    }
}

/// Removes the files of interrupted creations. A failure only costs disk space.
fn remove_unfinished(data_dir: &Path) {
    for entry in fs::read_dir(data_dir).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            continue;
        }
        if let Err(error) = remove(&entry.path()) {
            warn!(
                "cannot remove the unfinished {}: {error}",
                entry.path().display()
            );
        }
    }
}

fn remove(unfinished: &Path) -> std::io::Result<()> {
    let Ok(target) = fs::read_link(unfinished) else {
        return fs::remove_dir_all(unfinished);
    };
    if target.parent() == Some(Path::new(FALLBACK_DIR)) && target.exists() {
        fs::remove_dir_all(target)?;
    }
    fs::remove_file(unfinished)
}
