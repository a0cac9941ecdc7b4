//! h2load, nghttp2's load tool: one fixed message, over and over.

use std::{fs, time::Duration};

use bytes::Bytes;
use tokio::process::Command;

use super::progress::Tool;

/// Calls of a second, 4 connections with 64 in flight each. All were answered with `answer`
/// bytes: an answer that is an error has none.
pub(crate) async fn run(
    endpoint: &str,
    path: &str,
    tenant: &str,
    message: &Bytes,
    answer: u64,
    time: Duration,
) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let body = folder.path().join("message");
    fs::write(&body, message).expect("the message is written");
    let output = Command::new("h2load")
        .args(["-c", "4", "-m", "64", "-t", "1", "-D"])
        .arg(time.as_secs().to_string())
        .arg("-d")
        .arg(&body)
        .args(["-H", "content-type: application/grpc", "-H", "te: trailers"])
        .arg("-H")
        .arg(format!("x-tenant: {tenant}"))
        .arg(format!("{endpoint}{path}"))
        .stdout_text()
        .await;
    let calls = number(&output, " succeeded, ");
    for problem in [" failed, ", " errored, ", " timeout"] {
        assert!(
            number(&output, problem) == 0.0,
            "all calls succeed: {output}"
        );
    }
    assert!(
        number(&output, ") data") as u64 >= calls as u64 * answer,
        "all calls are answered OK: {output}"
    );
    number(&output, " req/s, ")
}

/// The number before `unit`.
fn number(output: &str, unit: &str) -> f64 {
    let (before, _) = output.split_once(unit).expect("a number of h2load");
    let start = before.rfind(|c: char| !c.is_ascii_digit() && c != '.');
    let number = &before[start.map_or(0, |at| at + 1)..];
    number.parse().expect("a number")
}
