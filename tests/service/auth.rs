//! Who calls, and what they may do.

mod caller;
mod certificates;
mod isolation;
mod program;
mod refusals;
mod reload;
mod scene;
mod streams;
mod tenants;
mod tokens;
mod web;

use std::{path::Path, process::Command};

/// Runs a script of openssl commands in a folder.
fn openssl(folder: &Path, script: &str) {
    let made = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}
