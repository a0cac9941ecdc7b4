//! Where rejected rows go, and which files they may replace.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::client::error::Error;

/// The destination of rejected rows.
pub(super) enum RejectedTarget {
    /// Rows are only counted.
    Nowhere,
    Stdout,
    /// A pipe or a device: opened at the first row.
    Device(PathBuf),
    /// A file, after following symbolic links.
    File {
        path: PathBuf,
        /// Whether an earlier run wrote it.
        is_stale: bool,
        force: bool,
    },
}

impl RejectedTarget {
    pub(super) fn new(path: &Path, force: bool, delimiter: u8) -> Result<Self, Error> {
        let unusable = |it| Error::file("use", format!("{} (--rejected)", path.display()), it);
        let resolved = follow_links(path).map_err(unusable)?;
        // By any of its names: the file behind a redirected stdout must not be replaced.
        let stdout = ["-", "/dev/fd/1", "/proc/self/fd/1"];
        if stdout.iter().any(|it| resolved == Path::new(it)) {
            return Ok(Self::Stdout);
        }
        let is_stale = match resolved.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                return Err(unusable(io::ErrorKind::IsADirectory.into()));
            }
            Ok(metadata) if is_descriptor(&resolved) || !metadata.is_file() => {
                return Ok(Self::Device(resolved));
            }
            Ok(_) => is_rejected_file(&resolved, delimiter).map_err(unusable)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(unusable(error)),
        };
        if !force && !is_stale && resolved.exists() {
            return Err(Error::Input(format!(
                "{} already exists and is not a file of rejected rows; use --force to replace it",
                path.display()
            )));
        }
        Ok(Self::File {
            path: resolved,
            is_stale,
            force,
        })
    }
}

/// Whether a path names an open file, whose link does not lead to a pipe or a deleted file.
fn is_descriptor(path: &Path) -> bool {
    path.starts_with("/proc") || path.starts_with("/dev/fd")
}

/// The file that a symbolic link leads to, which need not exist.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    /// The limit of Linux.
    const MAX_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) if !is_descriptor(&path) => {
                path = path.parent().unwrap_or(Path::new("")).join(target);
            }
            Ok(_) | Err(_) => return Ok(path),
        }
    }
    Err(io::ErrorKind::TooManyLinks.into())
}

/// Whether a file begins with the header of rejected rows.
pub(super) fn is_rejected_file(path: &Path, delimiter: u8) -> io::Result<bool> {
    let mut start = Vec::new();
    let header = [b"line", &[delimiter][..], b"reason"].concat();
    File::open(path)?
        .take(header.len() as u64 + 1)
        .read_to_end(&mut start)?;
    let end = start.get(header.len());
    Ok(start.starts_with(&header) && end.is_none_or(|it| b"\r\n".contains(it) || *it == delimiter))
}
