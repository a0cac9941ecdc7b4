//! Handshakes that are slow or never end, and the shutdown.

use std::net::SocketAddr;

use nix::sys::signal::Signal;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{TlsService, call};
use crate::support::{Certificates, eventually};

/// Connections whose handshake never ends: half of them have sent the beginning of one.
async fn half_open(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for number in 0..count {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if number % 2 == 0 {
            // It may have been closed already.
            let _ = stream.write_all(&[22, 3, 1, 2, 0, 1]).await;
        }
        streams.push(stream);
    }
    streams
}

#[tokio::test]
async fn a_thousand_incomplete_handshakes_stop_nobody() {
    let arguments = ["--max-connections", "100"];
    let service = TlsService::start(Certificates::new(), &arguments).await;
    let before = service.connect().await.unwrap();
    let _streams = half_open(service.address, 1000).await;
    call(&before).await.unwrap();
    // While the last of them are accepted, a connection may find no place.
    let after = eventually(async || service.connect().await.ok()).await;
    call(&after).await.unwrap();
    let log = service.program.log();
    assert!(log.contains("too many are incomplete"), "{log}");
}

#[tokio::test]
async fn the_drain_completes_with_open_tls_connections() {
    let mut service = TlsService::start(Certificates::new(), &[]).await;
    let open = service.connect().await.unwrap();
    let _streams = half_open(service.address, 4).await;
    call(&open).await.unwrap();
    service.program.signal(Signal::SIGTERM);
    assert!(service.program.ended().await.success());
    let log = service.program.log();
    assert!(log.contains("stopped; every call was completed"), "{log}");
}
