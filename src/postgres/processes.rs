//! Finds the PostgreSQL processes of a cluster, whoever started them.

use std::{fs, path::Path, process::Command};

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
        .filter(|(_, process)| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == cluster))
        .filter(|(_, process)| is_postgres(process))
        .map(|(id, _)| Pid::from_raw(id))
        .collect()
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
}
