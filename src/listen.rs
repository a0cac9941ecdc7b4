//! The ports that the program opens.

use std::{io, net::SocketAddr, sync::Arc};

use mailing_groups::{
    reload::Reloaded,
    server::{Listener, TlsFileError, TlsFiles},
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::task::AbortOnDropHandle;

/// The port of the service, and the task that follows its certificates.
pub(crate) fn listener(
    tcp: TcpListener,
    tls: Option<TlsFiles>,
    reloads: watch::Receiver<()>,
) -> Result<(Listener, Option<AbortOnDropHandle<()>>), TlsFileError> {
    let Some(tls) = tls else {
        return Ok((tcp.into(), None));
    };
    let tls = Arc::new(Reloaded::load(tls)?);
    let following = tokio::spawn(Arc::clone(&tls).follow(reloads));
    let following = AbortOnDropHandle::new(following);
    Ok((Listener::with_tls(tcp, tls), Some(following)))
}

/// Opens the port that a flag names.
pub(crate) async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, String> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| cannot_listen(address, flag, &error))
}

fn cannot_listen(address: SocketAddr, flag: &str, error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "; another service uses this port (perhaps this one is running already); choose \
             another with {flag} 127.0.0.1:PORT"
        ),
        _ => String::new(),
    };
    format!("cannot listen on {address}: {error}{advice}")
}
