//! The machine that the figures were measured on.

use std::{fs, thread};

/// Cores, memory, PostgreSQL, kernel, and how busy the machine is, in a line.
pub(crate) fn facts(postgresql: &str) -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let cpu = value_of("/proc/cpuinfo", "model name");
    let memory = value_of("/proc/meminfo", "MemTotal");
    let kernel = first_words("/proc/sys/kernel/osrelease", 1);
    let load = first_words("/proc/loadavg", 3);
    format!(
        "{cores} cores ({cpu}), {memory}, PostgreSQL {postgresql}, kernel {kernel}, load {load}"
    )
}

fn value_of(file: &str, key: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or("?".to_owned(), |(_, value)| value.trim().to_owned())
}

fn first_words(file: &str, count: usize) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().take(count).collect();
    words.join(" ")
}

/// The memory of a process that is resident, in MiB.
pub(crate) fn resident(process_id: u32) -> u64 {
    memory(process_id, "VmRSS")
}

/// The most memory of a process that was resident so far, in MiB.
pub(crate) fn most_resident(process_id: u32) -> u64 {
    memory(process_id, "VmHWM")
}

fn memory(process_id: u32, key: &str) -> u64 {
    let text = value_of(&format!("/proc/{process_id}/status"), key);
    let kib = text.split_whitespace().next().and_then(|n| n.parse().ok());
    kib.unwrap_or(0_u64) / 1024
}
