//! The settings that PostgreSQL runs with. They are command-line flags, so they follow this
//! program's version, and the cluster's configuration files cannot override them.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
    process::Stdio,
};

use super::{Durability, Options, owner::Owner, programs::Programs, sockets::PORT};

const MIB: u64 = 1024 * 1024;

/// Settings of every cluster. Statements, parameters and statement errors stay out of the log,
/// because they can contain personal data; the service logs the errors that it receives.
const ALWAYS: [&str; 20] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "jit=off",
    "random_page_cost=1.1",
    "checkpoint_timeout=15min",
    "logging_collector=on",
    "log_destination=stderr",
    "log_directory=log",
    // A new name each time: rotation by size does not truncate. `logs` removes old files.
    "log_filename=postgresql-%Y%m%d-%H%M%S.log",
    "log_rotation_age=1d",
    "log_rotation_size=10MB",
    "log_file_mode=0600",
    "log_error_verbosity=terse",
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_statement=none",
    "log_min_duration_statement=-1",
    "log_min_duration_sample=-1",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
];

/// Durable settings (default).
const DURABLE: [&str; 4] = [
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "max_wal_size=4GB",
];

/// Settings for clusters that tests throw away.
const EPHEMERAL: [&str; 4] = [
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "shared_buffers=32MB",
];

/// The compression of full pages in the WAL: LZ4, if PostgreSQL was built with it (possible since
/// 15), else `on` (pglz). Every page is logged in full once after a checkpoint; for a tenant with a
/// million contacts, pglz halves the throughput of writes.
pub(super) async fn wal_compression(
    programs: &Programs,
    owner: &Owner,
    cluster: &Path,
) -> &'static str {
    let mut command = owner.command(&programs.postgres());
    command.args(["-C", "wal_compression", "-c", "wal_compression=lz4", "-D"]);
    command.arg(cluster).stdin(Stdio::null());
    let output = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .output();
    match output.await {
        Ok(output) if output.status.success() => "lz4",
        _ => "on",
    }
}

/// The flags of `postgres`, without the cluster's directory.
pub(super) fn flags(
    options: &Options,
    major: u32,
    sockets: &Path,
    wal_compression: &str,
) -> Vec<OsString> {
    let mut settings: Vec<OsString> = ALWAYS.map(OsString::from).to_vec();
    settings.push(format!("port={PORT}").into());
    settings.push(format!("max_connections={}", options.max_connections).into());
    settings.push(format!("wal_compression={wal_compression}").into());
    settings.push(socket_directories(sockets));
    // PostgreSQL 14 supports this on Linux only and refuses the setting elsewhere.
    if cfg!(target_os = "linux") || major >= 15 {
        settings.push("client_connection_check_interval=1s".into());
    }
    match options.durability {
        Durability::Full => {
            settings.extend(DURABLE.map(OsString::from));
            settings.extend(caches(memory()));
        }
        Durability::None => settings.extend(EPHEMERAL.map(OsString::from)),
    }
    settings
        .into_iter()
        .flat_map(|setting| ["-c".into(), setting])
        .collect()
}

/// The setting is a list; quotes protect commas and spaces of a path.
fn socket_directories(folder: &Path) -> OsString {
    let mut setting = b"unix_socket_directories=\"".to_vec();
    for byte in folder.as_os_str().as_bytes() {
        if *byte == b'"' {
            setting.push(b'"');
        }
        setting.push(*byte);
    }
    setting.push(b'"');
    OsString::from_vec(setting)
}

/// `shared_buffers` is an eighth of the memory; `effective_cache_size`, the planner's estimate of
/// the file cache, is half of it.
fn caches(memory: u64) -> [OsString; 2] {
    let shared = (memory / 8 / MIB).clamp(128, 2048);
    let effective = (memory / 2 / MIB).max(shared);
    [
        format!("shared_buffers={shared}MB").into(),
        format!("effective_cache_size={effective}MB").into(),
    ]
}

/// The memory of this machine or container, in bytes; 2 GiB if unknown.
fn memory() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total_memory(&text));
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|text| text.trim().parse().ok());
    machine
        .into_iter()
        .chain(container)
        .min()
        .unwrap_or(2048 * MIB)
}

/// `MemTotal` of `/proc/meminfo`.
fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caches_follow_the_memory_within_bounds() {
        let strings =
            |gib: u64| caches(gib * 1024 * MIB).map(|s| s.into_string().unwrap_or_default());
        assert_eq!(
            strings(0),
            ["shared_buffers=128MB", "effective_cache_size=128MB"]
        );
        assert_eq!(
            strings(8),
            ["shared_buffers=1024MB", "effective_cache_size=4096MB"]
        );
        assert_eq!(
            strings(64),
            ["shared_buffers=2048MB", "effective_cache_size=32768MB"]
        );
    }

    #[test]
    fn the_total_of_meminfo_is_read() {
        let text = "MemTotal:       24684100 kB\nMemFree:        24231000 kB\n";
        assert_eq!(total_memory(text), Some(24_684_100 * 1024));
    }

    #[test]
    fn a_socket_folder_with_commas_and_quotes_stays_one() {
        let setting = socket_directories(Path::new("/a, \"b\""));
        assert_eq!(
            setting.to_string_lossy(),
            "unix_socket_directories=\"/a, \"\"b\"\"\""
        );
    }
}
