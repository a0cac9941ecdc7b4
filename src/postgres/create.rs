//! Creates the cluster, once. It is made under another name and renamed when it is whole, so
//! a creation that was cut short leaves nothing that counts.

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

/// The cluster in the data directory: a folder, or a symbolic link to one.
pub(super) const NAME: &str = "postgres";

/// How the names of unfinished clusters begin.
const UNFINISHED: &str = "postgres.new-";

/// Where clusters lie whose data directory is out of reach for the user that runs them.
const ELSEWHERE: &str = "/var/lib/mailing-groups";

/// The superuser and the database.
pub(super) const SUPERUSER: &str = "mailing_groups";

/// How long `initdb` may take: a second or two usually, more on a slow disk.
const INITDB_PATIENCE: Duration = Duration::from_secs(300);

/// The cluster of `data_dir` and the major version it needs, if there is one.
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

/// The folder of the cluster, which is created if there is none.
pub(super) async fn once(
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
    owner.give_all(&cluster)?;
    if owner.reaches(&cluster, programs) {
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
    let unfinished = if owner.reaches(data_dir, programs) {
        private_folder(data_dir)?
    } else {
        link_elsewhere(data_dir)?
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
    owner.give(&folder)?;
    initialise(&folder, programs, owner, durability).await?;
    publish(&unfinished, &data_dir.join(NAME))
}

/// Folders that only their owner can enter, with names of their own.
pub(super) fn private(prefix: &str) -> Builder<'_, '_> {
    let mut builder = Builder::new();
    builder
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700));
    builder
}

/// A new folder in `parent` for our user alone.
fn private_folder(parent: &Path) -> Result<PathBuf, Error> {
    let folder = private(UNFINISHED).tempdir_in(parent);
    Ok(folder
        .map_err(|source| owner::denied(parent, source))?
        .keep())
}

/// A link in `data_dir` to a new folder that the user who runs PostgreSQL can reach.
fn link_elsewhere(data_dir: &Path) -> Result<PathBuf, Error> {
    let failed = |source| Error::file(ELSEWHERE, source);
    fs::create_dir_all(ELSEWHERE).map_err(failed)?;
    fs::set_permissions(ELSEWHERE, Permissions::from_mode(0o755)).map_err(failed)?;
    let folder = private("")
        .rand_bytes(12)
        .tempdir_in(ELSEWHERE)
        .map_err(failed)?
        .keep();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let link = data_dir.join(format!("{UNFINISHED}{name}"));
    symlink(&folder, &link).map_err(|source| Error::file(&link, source))?;
    info!(
        "the user that runs PostgreSQL cannot reach {}: the database lies in {} instead, and a link \
         to it in the former",
        data_dir.display(),
        folder.display()
    );
    Ok(link)
}

/// Runs `initdb`, with the best locale it accepts.
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
    unreachable!("the last locale either fits or ends the function")
}

/// The locales to try: letters of any script have cases in the first ones; text is ordered by
/// code point in all. The built-in one behaves the same on every system.
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

/// Runs `initdb`. Its output is piped, so that it ends soon after us should we be killed.
async fn run(command: Command) -> Result<Output, Error> {
    let program = PathBuf::from(command.get_program());
    let mut command = tokio::process::Command::from(command);
    let output = command.process_group(0).kill_on_drop(true).output();
    match tokio::time::timeout(INITDB_PATIENCE, output).await {
        Ok(output) => output.map_err(|source| Error::Program { program, source }),
        Err(_) => Err(Error::InitDbTimeout {
            waited: INITDB_PATIENCE,
        }),
    }
}

/// Gives the whole cluster its name, for good.
fn publish(unfinished: &Path, name: &Path) -> Result<(), Error> {
    // A link does not replace an empty folder by itself.
    let _ = fs::remove_dir(name);
    fs::rename(unfinished, name).map_err(|source| Error::file(name, source))?;
    let parent = name.parent().unwrap_or(name);
    let synced = File::open(parent).and_then(|folder| folder.sync_all());
    synced.map_err(|source| Error::file(parent, source))
}

/// Refuses to create a cluster over something else, or while the one we had is away.
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

/// Removes what creations that were cut short left behind. Failing that, it only takes room.
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
    if target.parent() == Some(Path::new(ELSEWHERE)) && target.exists() {
        fs::remove_dir_all(target)?;
    }
    fs::remove_file(unfinished)
}
