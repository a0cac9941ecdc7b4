//! The private folder in which the server listens.

use std::{
    env,
    fmt::Write,
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};

use super::{
    Error,
    create::{self, SUPERUSER},
    owner::{self, Owner},
    programs::Programs,
};

/// The port names the socket, and is not one of the network.
pub(super) const PORT: u16 = 5432;

/// The longest path of a socket: `sun_path` of `sockaddr_un` less the byte that ends it.
const LONGEST: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The folder with the server's socket, which only its owner (and root) can enter.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    folder: PathBuf,
    /// Where the data directory remembers a folder that lies elsewhere.
    link: Option<PathBuf>,
}

impl Sockets {
    /// Makes the folder: `run` in the data directory where its path is short enough and the
    /// owner can reach it, a folder for temporary files otherwise.
    pub(super) fn prepare(
        data_dir: &Path,
        programs: &Programs,
        owner: &Owner,
    ) -> Result<Self, Error> {
        let own = data_dir.join("run");
        if fits(&own) && owner.reaches(data_dir, programs) {
            in_data_dir(&own, owner).map_err(|source| owner::denied(&own, source))?;
            owner.give(&own)?;
            return Ok(Self {
                folder: own,
                link: None,
            });
        }
        if let Some(folder) = remembered(&own, owner) {
            return Ok(Self {
                folder,
                link: Some(own),
            });
        }
        let folder = temporary(programs, owner)?;
        remember(&own, &folder).map_err(|source| owner::denied(&own, source))?;
        Ok(Self {
            folder,
            link: Some(own),
        })
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The database's URL.
    pub(super) fn url(&self) -> String {
        let host = percent_encoded(&self.folder);
        format!("postgres://{SUPERUSER}@{host}:{PORT}/{SUPERUSER}")
    }

    /// Removes a folder outside of the data directory, once the server has left it.
    pub(super) fn clear(&self) {
        if let Some(link) = &self.link
            && fs::remove_dir(&self.folder).is_ok()
        {
            let _ = fs::remove_file(link);
        }
    }
}

/// Whether a socket in `folder` has a path that the system accepts.
fn fits(folder: &Path) -> bool {
    let socket = folder.join(format!(".s.PGSQL.{PORT}"));
    socket.as_os_str().len() <= LONGEST
}

fn in_data_dir(own: &Path, owner: &Owner) -> io::Result<()> {
    if fs::read_link(own).is_ok() {
        fs::remove_file(own)?;
    }
    match DirBuilder::new().mode(0o700).create(own) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if is_private(own, owner) {
        Ok(())
    } else {
        fs::set_permissions(own, Permissions::from_mode(0o700))
    }
}

/// The folder of an earlier run that ended without clearing up, if it is still ours alone.
fn remembered(own: &Path, owner: &Owner) -> Option<PathBuf> {
    let folder = fs::read_link(own).ok()?;
    (fits(&folder) && is_private(&folder, owner)).then_some(folder)
}

fn is_private(folder: &Path, owner: &Owner) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.mode() & 0o777 == 0o700 && metadata.uid() == owner.uid()
    })
}

/// A new folder with a short path.
fn temporary(programs: &Programs, owner: &Owner) -> Result<PathBuf, Error> {
    let parents = [env::temp_dir(), PathBuf::from("/tmp")];
    for parent in parents
        .iter()
        .filter(|parent| owner.reaches(parent, programs))
    {
        let made = create::private("mailing-groups-").tempdir_in(parent);
        if let Ok(folder) = made
            && fits(folder.path())
        {
            owner.give(folder.path())?;
            return Ok(folder.keep());
        }
    }
    Err(Error::NoSocketFolder {
        longest: LONGEST - "/mailing-groups-123456/.s.PGSQL.5432".len(),
    })
}

/// Notes in the data directory where the folder is, so that a run that is killed leaves no
/// more than one.
fn remember(own: &Path, folder: &Path) -> io::Result<()> {
    if fs::symlink_metadata(own).is_ok_and(|metadata| metadata.is_dir()) {
        fs::remove_dir_all(own)?;
    } else if fs::read_link(own).is_ok() {
        fs::remove_file(own)?;
    }
    symlink(folder, own)
}

fn percent_encoded(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(*byte));
            }
            _ => write!(text, "%{byte:02X}").unwrap_or_default(),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_path_counts_the_socket_itself() {
        let longest = LONGEST - "/.s.PGSQL.5432".len();
        assert!(fits(Path::new(&"x".repeat(longest))));
        assert!(!fits(Path::new(&"x".repeat(longest + 1))));
    }

    #[test]
    fn the_url_survives_any_path() {
        let folder = PathBuf::from("/data of é/50%/run");
        let url = Sockets {
            folder: folder.clone(),
            link: None,
        }
        .url();
        let config: tokio_postgres::Config = url.parse().unwrap_or_default();
        assert_eq!(
            config.get_hosts(),
            [tokio_postgres::config::Host::Unix(folder)]
        );
        assert_eq!(config.get_dbname(), Some("mailing_groups"));
    }
}
