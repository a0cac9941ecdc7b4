//! A web page of another origin in Chromium, with `@connectrpc/connect-web`. The page is in
//! `tests/browser/`.

use std::path::Path;

use tokio::{process::Command, time::timeout};

use crate::support::{PATIENCE, Program, database, scratch, serve::bind};

#[tokio::test]
#[ignore = "needs Chromium and npm: make test-peers"]
async fn a_page_in_a_browser_works() {
    let (folder, url) = (scratch(), database().await);
    // The page is at a port that is free now.
    let (_, page) = bind();
    let origin = format!("http://localhost:{}", page.port());
    let arguments = [
        "--database-url",
        &url,
        "--http-api-listen",
        "127.0.0.1:0",
        "--cors-origin",
        &origin,
    ];
    let mut program = Program::spawn(folder.path(), &arguments);
    program.address().await;
    let service = program.web().await.to_string();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("tests/browser/run"));
    command.args([service, page.port().to_string()]);
    // Downloads packages at first.
    let output = timeout(5 * PATIENCE, command.kill_on_drop(true).output());
    let output = output.await.expect("in time").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert!(output.status.success(), "{}", text(output.stderr));
    print!("{}", text(output.stdout));
}
