//! The machine that the figures were measured on.

use std::{fs, thread};

/// Cores, memory and kernel, in a line.
pub(crate) fn facts() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let line = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text
            .lines()
            .find(|line| line.starts_with(key))
            .map(str::to_owned);
        line.and_then(|line| {
            line.split_once(':')
                .map(|(_, value)| value.trim().to_owned())
        })
        .unwrap_or_else(|| "?".to_owned())
    };
    let cpu = line("/proc/cpuinfo", "model name");
    let memory = line("/proc/meminfo", "MemTotal");
    format!("{cores} cores ({cpu}), {memory}")
}

/// The memory of a process that is resident, in MiB.
pub(crate) fn resident(process_id: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process_id}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|n| n.parse().ok());
    kib.unwrap_or(0_u64) / 1024
}
