//! The private directory with the server's Unix socket.

use std::{
    env,
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use super::{
    Error,
    create::{self, SUPERUSER},
    owner::{self, Owner},
    programs::Programs,
};

/// Part of the socket's file name; no TCP port is opened.
pub(super) const PORT: u16 = 5432;

/// Maximum length of a socket's path: `sun_path` of `sockaddr_un` without the final NUL.
const MAX_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The directory with the server's socket. Only its owner and root can enter it.
#[derive(Clone, Debug)]
pub(super) struct SocketDir {
    folder: PathBuf,
    /// The link in the data directory to a directory that lies elsewhere.
    link: Option<PathBuf>,
}

impl SocketDir {
    /// Creates the directory: `run` in the data directory if its path is short enough and the
    /// owner can access it, else a temporary directory.
    pub(super) fn prepare(
        data_dir: &Path,
        programs: &Programs,
        owner: &Owner,
    ) -> Result<Self, Error> {
        let own = data_dir.join("run");
        if fits(&own) && owner.can_access(data_dir, programs) {
            in_data_dir(&own, owner).map_err(|source| owner::denied(&own, source))?;
            owner.chown(&own)?;
            return Ok(Self {
                folder: own,
                link: None,
            });
        }
        let prefix = prefix(data_dir)?;
        if let Some(folder) = linked_dir(&own, owner, &prefix) {
            return Ok(Self {
                folder,
                link: Some(own),
            });
        }
        let folder = temporary(&prefix, programs, owner)?;
        link(&own, &folder).map_err(|source| owner::denied(&own, source))?;
        Ok(Self {
            folder,
            link: Some(own),
        })
    }

    /// The directory that a running server uses.
    pub(super) fn existing(data_dir: &Path) -> Option<Self> {
        let folder = data_dir.join("run").canonicalize().ok()?;
        Some(Self { folder, link: None })
    }

    /// Its path.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The database's URL.
    pub(super) fn url(&self) -> String {
        let host = percent_encode(self.folder.as_os_str().as_bytes(), NON_ALPHANUMERIC);
        format!("postgres://{SUPERUSER}@{host}:{PORT}/{SUPERUSER}")
    }

    /// Removes a directory outside of the data directory, after the server has stopped.
    pub(super) fn clear(&self) {
        if let Some(link) = &self.link
            && fs::remove_dir(&self.folder).is_ok()
        {
            let _ = fs::remove_file(link);
        }
    }
}

/// Whether the path of a socket in `folder` is short enough.
fn fits(folder: &Path) -> bool {
    let socket = folder.join(format!(".s.PGSQL.{PORT}"));
    socket.as_os_str().len() <= MAX_SOCKET_PATH
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

/// How the names of a data directory's temporary directories begin: with the identity of the directory,
/// which a copy of it does not share.
fn prefix(data_dir: &Path) -> Result<String, Error> {
    let metadata = fs::metadata(data_dir).map_err(|source| owner::denied(data_dir, source))?;
    let (device, inode) = (metadata.dev(), metadata.ino());
    Ok(format!("mailing-groups-{device:x}-{inode:x}-"))
}

/// The directory that an earlier run linked and did not remove, if it is still private. Not that of
/// another data directory, of which this one is a copy: a server may use it.
fn linked_dir(own: &Path, owner: &Owner, prefix: &str) -> Option<PathBuf> {
    let folder = fs::read_link(own).ok()?;
    let name = folder.file_name()?.to_str()?;
    let is_usable = name.starts_with(prefix) && fits(&folder) && is_private(&folder, owner);
    is_usable.then_some(folder)
}

fn is_private(folder: &Path, owner: &Owner) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.mode() & 0o777 == 0o700 && metadata.uid() == owner.uid()
    })
}

/// A new directory with a short path.
fn temporary(prefix: &str, programs: &Programs, owner: &Owner) -> Result<PathBuf, Error> {
    let parents = [env::temp_dir(), PathBuf::from("/tmp")];
    for parent in parents
        .iter()
        .filter(|parent| owner.can_access(parent, programs))
    {
        let made = create::private(prefix).tempdir_in(parent);
        if let Ok(folder) = made
            && fits(folder.path())
        {
            owner.chown(folder.path())?;
            return Ok(folder.keep());
        }
    }
    Err(Error::NoSocketFolder {
        longest: MAX_SOCKET_PATH - format!("/{prefix}123456/.s.PGSQL.{PORT}").len(),
    })
}

/// Links the directory in the data directory, so that killed runs leave at most one directory.
fn link(own: &Path, folder: &Path) -> io::Result<()> {
    if fs::symlink_metadata(own).is_ok_and(|metadata| metadata.is_dir()) {
        fs::remove_dir_all(own)?;
    } else if fs::read_link(own).is_ok() {
        fs::remove_file(own)?;
    }
    symlink(folder, own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_path_counts_the_socket_itself() {
        let longest = MAX_SOCKET_PATH - "/.s.PGSQL.5432".len();
        assert!(fits(Path::new(&"x".repeat(longest))));
        assert!(!fits(Path::new(&"x".repeat(longest + 1))));
    }

    #[test]
    fn the_url_survives_any_path() {
        let folder = PathBuf::from("/data of é/50%/run");
        let url = SocketDir {
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
