//! Whether processors are short: threads that could run wait for one.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;

/// How often the waiting time is read.
const INTERVAL: Duration = Duration::from_millis(100);

/// The part of the time in which a thread waits from which on processors are short.
const SHORT: f64 = 0.5;

/// How long they count as short after that. With fewer places in use they are often no longer short, so
/// that a reading below [`SHORT`] does not end it.
const HOLD: Duration = Duration::from_secs(10);

/// How many processors this program can use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Tells from time to time whether processors are short. Where the kernel does not account for it,
/// they never are.
pub(crate) struct Contention {
    file: PathBuf,
    read: Instant,
    waited: Duration,
    until: Option<Instant>,
}

impl Default for Contention {
    fn default() -> Self {
        Self {
            file: account(),
            read: Instant::now(),
            waited: Duration::ZERO,
            until: None,
        }
    }
}

impl Contention {
    pub(crate) fn is_high(&mut self, now: Instant) -> bool {
        if now - self.read >= INTERVAL {
            self.update(now, waited(&self.file));
        }
        self.until.is_some_and(|until| now < until)
    }

    /// High for a time.
    #[cfg(test)]
    pub(crate) fn high_for(time: Duration) -> Self {
        Self {
            until: Some(Instant::now() + time),
            ..Self::default()
        }
    }

    fn update(&mut self, now: Instant, waited: Option<Duration>) {
        let elapsed = now - std::mem::replace(&mut self.read, now);
        let Some(waited) = waited else { return };
        let part = waited.saturating_sub(self.waited).as_secs_f64() / elapsed.as_secs_f64();
        // The first reading has nothing to compare with.
        if !self.waited.is_zero() && part > SHORT {
            self.until = Some(now + HOLD);
        }
        self.waited = waited;
    }
}

/// The account of this program's control group, or of the machine.
/// <https://docs.kernel.org/accounting/psi.html>
fn account() -> PathBuf {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let own = own.map(|group| Path::new("/sys/fs/cgroup").join(group).join("cpu.pressure"));
    own.filter(|file| file.exists())
        .unwrap_or_else(|| "/proc/pressure/cpu".into())
}

/// For how long at least one thread has waited since the start.
fn waited(file: &Path) -> Option<Duration> {
    let account = std::fs::read_to_string(file).ok()?;
    let (_, total) = account.lines().next()?.rsplit_once("total=")?;
    total.parse().ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_short_while_threads_wait_most_of_the_time() {
        let mut contention = Contention {
            file: PathBuf::new(),
            ..Contention::default()
        };
        let mut now = contention.read;
        let mut update = |milliseconds| {
            now += INTERVAL;
            contention.update(now, Some(Duration::from_millis(milliseconds)));
            contention.is_high(now)
        };
        assert!(!update(1_000_000));
        assert!(!update(1_000_040));
        assert!(update(1_000_100));
        assert!(update(1_000_100));
        assert!(!contention.is_high(now + HOLD));
    }

    #[test]
    fn the_total_of_an_account_is_read() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let text =
            "some avg10=1.50 avg60=0.20 avg300=0.00 total=1500000\nfull avg10=0.00 total=0\n";
        std::io::Write::write_all(&mut file, text.as_bytes()).expect("room");
        assert_eq!(waited(file.path()), Some(Duration::from_millis(1_500)));
        assert_eq!(waited(Path::new("/none")), None);
    }
}
