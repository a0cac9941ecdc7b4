//! What is said while it takes long, and the tools that are run.

use std::{sync::OnceLock, time::Instant};

use tokio::process::Command;

/// Says on standard error what is being done, with the seconds since the first time.
pub(crate) fn say(what: &str) {
    static START: OnceLock<Instant> = OnceLock::new();
    let seconds = START.get_or_init(Instant::now).elapsed().as_secs();
    eprintln!("[{seconds:>4} s] {what}");
}

/// Running a tool.
pub(crate) trait Tool {
    /// What it says on standard output; it has to succeed.
    async fn said(&mut self) -> String;
}

impl Tool for Command {
    async fn said(&mut self) -> String {
        let name = self.as_std().get_program().to_string_lossy().into_owned();
        let output = self
            .output()
            .await
            .unwrap_or_else(|error| panic!("{name} does not run: {error}"));
        let (said, complained) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success(),
            "{name} failed: {complained}\n{said}"
        );
        said.into_owned()
    }
}
