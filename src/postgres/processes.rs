//! Finds the PostgreSQL processes of a cluster, also those that another program started.

use std::{fs, io::ErrorKind, os::unix::fs::MetadataExt, path::Path, process::Command};

use nix::unistd::Pid;

/// The process id in the cluster's `postmaster.pid`; the process may be dead or another program.
pub(super) fn recorded(cluster: &Path) -> Option<Pid> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let id: i32 = text.lines().next()?.trim().parse().ok()?;
    (id > 1).then(|| Pid::from_raw(id))
}

/// The running PostgreSQL processes of `cluster`.
pub(super) fn of(cluster: &Path) -> Vec<Pid> {
    if cfg!(target_os = "linux") {
        in_proc(cluster)
    } else {
        server_in_ps(cluster)
    }
}

/// The server and its backends: the working directory of each is the cluster. A zombie has no
/// working directory.
fn in_proc(cluster: &Path) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(_, process)| is_same_directory(&process.join("cwd"), cluster))
        .filter(|(_, process)| is_postgres(process))
        .map(|(id, _)| Pid::from_raw(id))
        .collect()
}

/// Compares the directories themselves: with a bind mount one directory has several paths.
fn is_same_directory(a: &Path, b: &Path) -> bool {
    let id = |path| fs::metadata(path).map(|it| (it.dev(), it.ino())).ok();
    id(a).is_some_and(|a| Some(a) == id(b))
}

/// Whether a living process is for certain no server of `cluster`: it is a zombie, or works in
/// another directory. One whose directory may not be read can be a server.
pub(super) fn is_elsewhere(id: Pid, cluster: &Path) -> bool {
    if !cfg!(target_os = "linux") {
        return server_in_ps(cluster).is_empty();
    }
    let cwd = Path::new("/proc").join(id.to_string()).join("cwd");
    match fs::read_link(&cwd) {
        Ok(_) => !is_same_directory(&cwd, cluster),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// Whether a process is a PostgreSQL.
pub(super) fn is_server(id: Pid) -> bool {
    match cfg!(target_os = "linux") {
        true => is_postgres(&Path::new("/proc").join(id.to_string())),
        false => shown_by_ps(&id).contains("postgres"),
    }
}

/// Whether the process runs a program called postgres, also if an upgrade has replaced the file.
fn is_postgres(process: &Path) -> bool {
    fs::read_link(process.join("exe")).is_ok_and(|program| {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        matches!(
            name.trim_end_matches(" (deleted)"),
            "postgres" | "postmaster"
        )
    })
}

/// Only the server, for systems without `/proc`: the recorded process, if `ps` shows that it runs
/// PostgreSQL on this cluster.
fn server_in_ps(cluster: &Path) -> Vec<Pid> {
    let is_server = |id: &Pid| {
        let shown = shown_by_ps(id);
        !shown.starts_with('Z')
            && shown.contains("postgres")
            && shown.contains(&*cluster.to_string_lossy())
    };
    recorded(cluster).filter(is_server).into_iter().collect()
}

/// The state and the command of a process; empty if there is none.
fn shown_by_ps(id: &Pid) -> String {
    let id = id.to_string();
    let output = Command::new("ps")
        .args(["-ww", "-o", "stat=,command=", "-p", &id])
        .output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_not_a_server_of_the_folder_it_works_in() {
        let here = std::env::current_dir().unwrap_or_default();
        assert!(of(&here).is_empty());
    }

    #[test]
    fn only_a_process_in_another_directory_is_elsewhere() {
        let here = std::env::current_dir().unwrap_or_default();
        let me = Pid::this();
        assert!(is_elsewhere(me, Path::new("/")));
        if cfg!(target_os = "linux") {
            assert!(!is_elsewhere(me, &here));
        }
    }
}
