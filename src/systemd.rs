//! Notifications to systemd about a service with `Type=notify`: that it is ready, that it stops, and, if
//! its unit has `WatchdogSec`, that it still runs. Without systemd nothing is sent.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::interval;

/// Reports that calls are accepted, and then regularly, if systemd expects it, that the program runs.
/// Must be called within a Tokio runtime: a runtime that no longer runs tasks is what the watchdog
/// is for.
pub fn ready() {
    notify(NotifyState::Ready);
    if let Some(expected) = sd_notify::watchdog_enabled() {
        tokio::spawn(notify_watchdog(expected / 2));
    }
}

/// Tells that the program stops, in order.
pub fn stopping() {
    notify(NotifyState::Stopping);
}

async fn notify_watchdog(every: Duration) {
    let mut ticks = interval(every);
    loop {
        ticks.tick().await;
        notify(NotifyState::Watchdog);
    }
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot notify systemd: {error}");
    }
}
