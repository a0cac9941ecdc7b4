//! What systemd is told.

use std::{os::unix::net::UnixDatagram, path::Path, process::Command};

use nix::sys::signal::Signal;

use crate::support::{PATIENCE, Program, database, migrate, program::command, scratch};

fn notified(socket: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let length = socket.recv(&mut message).unwrap();
    String::from_utf8_lossy(&message[..length])
        .trim()
        .to_owned()
}

fn service(url: &str, socket: &Path) -> Command {
    let mut command = command(["--listen", "127.0.0.1:0", "--database-url", url]);
    command
        .env("NOTIFY_SOCKET", socket)
        .env("WATCHDOG_USEC", "200000");
    command
}

#[tokio::test]
async fn systemd_learns_of_the_start_the_run_and_the_stop() {
    let url = database().await;
    migrate(&url).await;
    let folder = scratch();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut program = Program::start(&mut service(&url, &path));
    let seen = tokio::task::spawn_blocking(move || {
        let seen: Vec<_> = (0..3).map(|_| notified(&socket)).collect();
        program.signal(Signal::SIGTERM);
        let mut last = notified(&socket);
        while last == "WATCHDOG=1" {
            last = notified(&socket);
        }
        (seen, last, program)
    });
    let (seen, last, ended) = seen.await.unwrap();
    program = ended;
    assert_eq!(seen, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    assert_eq!(last, "STOPPING=1");
    assert!(program.ended().await.success());
}
