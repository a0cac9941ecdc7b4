//! psql, PostgreSQL's own way to load a file.

use std::{path::Path, time::Instant};

use tokio::process::Command;

use super::progress::Tool;

/// Rows a second of copying a file with so many rows into a table.
pub(crate) async fn copy(url: &str, table: &str, file: &Path, rows: u64) -> f64 {
    let start = Instant::now();
    Command::new("psql")
        .args([url, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c"])
        .arg(format!("\\copy {table} FROM '{}'", file.display()))
        .stdout_text()
        .await;
    rows as f64 / start.elapsed().as_secs_f64()
}
