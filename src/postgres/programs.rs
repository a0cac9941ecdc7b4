//! Finds the installed PostgreSQL server programs.

use std::{
    env,
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::Error;

/// The oldest supported major version: the first with `client_connection_check_interval`, which
/// cancels statements of disconnected clients.
pub(super) const OLDEST: u32 = 14;

/// Directories with a subdirectory per installed version: the parent, the prefix of the
/// subdirectory's name, and the path of the programs below it.
const VERSIONED_DIRS: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),         // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),                  // Fedora, Red Hat, from postgresql.org
    ("/usr/libexec", "postgresql", ""),         // Alpine
    ("/opt/homebrew/opt", "postgresql", "bin"), // macOS on ARM
    ("/usr/local/opt", "postgresql", "bin"),    // macOS on Intel
];

/// Directories with the programs of one installation.
const PLAIN_DIRS: [&str; 3] = ["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"];

/// A version of PostgreSQL, such as `15.18`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    major: u32,
    text: String,
}

impl Version {
    /// The major version, which determines the data format: 15 of `15.18`.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    fn parse(line: &str) -> Option<Self> {
        let text = line
            .split_once("(PostgreSQL) ")?
            .1
            .split_whitespace()
            .next()?;
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        Some(Self {
            major: text[..digits].parse().ok()?,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The packages to install, per system: of a given major version, or of any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packages(Option<u32>);

impl fmt::Display for Packages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let major = self.0.map(|major| major.to_string()).unwrap_or_default();
        let (dash, at, other) = match self.0 {
            None => ("", "", ""),
            Some(_) => (
                "-",
                "@",
                "; versions that your Debian or Ubuntu release does not have come from \
                 apt.postgresql.org",
            ),
        };
        write!(
            f,
            "Debian, Ubuntu: apt-get install postgresql{dash}{major}; \
             Fedora: dnf install postgresql{major}-server postgresql{major}-contrib; \
             Alpine: apk add postgresql{major} postgresql{major}-contrib; \
             macOS: brew install postgresql{at}{major}{other}"
        )
    }
}

impl Packages {
    /// The packages of one major version.
    pub(super) fn of(major: u32) -> Self {
        Self(Some(major))
    }
}

/// The programs of one installed version.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    /// Their version.
    pub(super) version: Version,
}

impl Programs {
    /// The installed programs for `cluster`: an existing one (its directory and major version),
    /// or a new one.
    pub(super) fn installed(cluster: Option<(PathBuf, u32)>) -> Result<Self, Error> {
        Self::among(&folders(), cluster)
    }

    /// The first matching programs in `folders`.
    fn among(folders: &[PathBuf], cluster: Option<(PathBuf, u32)>) -> Result<Self, Error> {
        let all: Vec<Self> = folders
            .iter()
            .filter_map(|folder| Self::in_folder(folder))
            .collect();
        let Some(newest) = all.iter().max_by_key(|programs| programs.version.major) else {
            let packages = Packages(cluster.map(|(_, major)| major));
            return Err(Error::NotInstalled { packages });
        };
        let fits = |version: &Version| match cluster {
            Some((_, major)) => version.major == major,
            None => version.major >= OLDEST,
        };
        match (all.iter().find(|programs| fits(&programs.version)), cluster) {
            (Some(programs), _) if programs.version.major >= OLDEST => Ok(programs.clone()),
            (None, Some((cluster, major))) => Err(other_version(&all, cluster, major)),
            _ => Err(Error::TooOld {
                found: newest.version.clone(),
                packages: Packages(None),
            }),
        }
    }

    /// The programs in `folder`, if both exist and run.
    fn in_folder(folder: &Path) -> Option<Self> {
        // Both programs are taken from the directory of a link's target.
        let folder = folder
            .join("initdb")
            .canonicalize()
            .ok()?
            .parent()?
            .to_owned();
        let version = Version::parse(&output(folder.join("postgres"), "--version")?)?;
        Some(Self { folder, version })
    }

    /// The server.
    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// The program that creates a cluster.
    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }
}

/// The error for a cluster that no installed version can open.
fn other_version(all: &[Programs], cluster: PathBuf, major: u32) -> Error {
    let mut found: Vec<&str> = all
        .iter()
        .map(|programs| programs.version.text.as_str())
        .collect();
    found.dedup();
    Error::OtherVersion {
        cluster,
        major,
        found: found.join(", "),
        packages: Packages::of(major),
    }
}

/// Every directory that may contain the programs, in order of preference.
fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path)
        .filter(|p| p.is_absolute())
        .collect();
    folders.extend(output("pg_config", "--bindir").map(|line| PathBuf::from(line.trim_end())));
    for (parent, prefix, below) in VERSIONED_DIRS {
        folders.extend(versions_in(Path::new(parent), prefix, below));
    }
    folders.extend(PLAIN_DIRS.map(PathBuf::from));
    folders
}

/// The directories in `parent` whose names begin with `prefix`, newest version first.
fn versions_in(parent: &Path, prefix: &str, below: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name());
    let mut versions: Vec<(u32, PathBuf)> = names
        .filter_map(|name| Some((number_in(name.to_str()?.strip_prefix(prefix)?), name)))
        .map(|(number, name)| (number, parent.join(name).join(below)))
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// The major version in a directory's name: 15 of `@15`, `15.3` or `-15`; 0 if none.
fn number_in(name: &str) -> u32 {
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().unwrap_or(0)
}

/// What `program argument` prints, if it can be run.
fn output(program: impl AsRef<OsStr>, argument: &str) -> Option<String> {
    let output = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).ok())?
}

#[cfg(test)]
mod tests;
