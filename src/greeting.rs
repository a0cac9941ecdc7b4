//! What the service prints when it is ready.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

/// What is served, where the data is and what to try next.
pub(crate) fn text(address: SocketAddr, database: &str, retention: Duration) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let retention = humantime::format_duration(retention);
    let mut text = format!(
        "mailing-groups {version} serves gRPC on {address}\n\
         Data: {database}\n\
         Changes are kept for {retention} (--history-retention)\n\
         Try:  "
    );
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(IpAddr::from([127, 0, 0, 1]));
    }
    if is_repository() {
        text += "make import DATA=examples";
        if reachable != SocketAddr::from(([127, 0, 0, 1], 50051)) {
            text += &format!(" ARGS=\"--endpoint http://{reachable}\"");
        }
        text += "\n      ";
    }
    text += &format!("grpcurl -plaintext {reachable} list\n");
    if is_repository() {
        text += "      and the tour in docs/tour.md\n";
    }
    text + "Ctrl-C stops the service; the data stays."
}

/// Whether `make` would find this project's Makefile and its examples.
fn is_repository() -> bool {
    ["Makefile", "examples", "proto/mailinggroups"]
        .iter()
        .all(|path| Path::new(path).exists())
}
