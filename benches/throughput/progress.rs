//! Progress messages, and runs of tools.

use std::{sync::OnceLock, time::Instant};

use tokio::process::Command;

/// Prints the current step to standard error, with the seconds since the first one.
pub(crate) fn say(what: &str) {
    static START: OnceLock<Instant> = OnceLock::new();
    let seconds = START.get_or_init(Instant::now).elapsed().as_secs();
    eprintln!("[{seconds:>4} s] {what}");
}

/// Running a tool.
pub(crate) trait Tool {
    /// Its standard output; it has to succeed.
    async fn stdout_text(&mut self) -> String;
}

impl Tool for Command {
    async fn stdout_text(&mut self) -> String {
        let name = self.as_std().get_program().to_string_lossy().into_owned();
        let output = self
            .output()
            .await
            .unwrap_or_else(|error| panic!("{name} does not run: {error}"));
        let (stdout_text, stderr_text) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success(),
            "{name} failed: {stderr_text}\n{stdout_text}"
        );
        stdout_text.into_owned()
    }
}
