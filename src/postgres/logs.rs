//! The server's log files: quotes their end in errors, and removes old ones.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Number of log files to keep, including the current one. PostgreSQL starts a new file each day,
/// at each start and every 10 MB.
const KEPT_FILES: usize = 8;

/// Number of lines that an error quotes.
const QUOTED_LINES: usize = 12;

/// Number of bytes at the end of a log that are read for quoting.
const QUOTED_BYTES: u64 = 16 * 1024;

/// The last lines of `text`.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
}

/// The end of the server's output: of `start_log`, written while it started, and of its newest log
/// file.
pub(super) fn end(start_log: &Path, cluster: &Path) -> String {
    let newest = newest_first(cluster).into_iter().next();
    let ends: Vec<String> = [Some(start_log.to_owned()), newest]
        .into_iter()
        .flatten()
        .filter_map(|path| end_of(&path).ok())
        .filter(|end| !end.is_empty())
        .collect();
    ends.join("\n")
}

fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(QUOTED_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(QUOTED_BYTES).read_to_end(&mut bytes)?;
    Ok(last_lines(&String::from_utf8_lossy(&bytes)))
}

/// Removes the oldest log files.
pub(super) fn prune(cluster: &Path) {
    for path in newest_first(cluster).into_iter().skip(KEPT_FILES) {
        if let Err(error) = fs::remove_file(&path) {
            tracing::debug!("cannot remove the old log {}: {error}", path.display());
        }
    }
}

/// The log files, newest first; their names begin with the time.
fn newest_first(cluster: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(cluster.join("log"))
        .into_iter()
        .flatten()
        .flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn only_the_newest_logs_are_kept_and_the_newest_is_quoted() {
        let cluster = tempfile::tempdir().unwrap();
        fs::create_dir(cluster.path().join("log")).unwrap();
        for n in 10..30 {
            let path = cluster
                .path()
                .join(format!("log/postgresql-20260101-0000{n}.log"));
            fs::write(path, format!("line of {n}\n")).unwrap();
        }
        prune(cluster.path());
        assert_eq!(newest_first(cluster.path()).len(), KEPT_FILES);
        assert_eq!(end(Path::new("/nowhere"), cluster.path()), "line of 29");
    }

    #[test]
    fn the_end_of_a_text_is_whole_lines() {
        let text: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(last_lines(&text).lines().next(), Some("88"));
    }
}
