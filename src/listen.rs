//! The ports that the program opens.

use std::{io, net::SocketAddr, sync::Arc};

use mailing_groups::{
    config::ServeOptions,
    reload::Reloaded,
    server::{Listener, Ports, TlsFileError, TlsFiles, WebPort},
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

/// Refuses addresses that other computers can reach without protection, or warns of them.
pub(crate) fn check_exposure(options: &ServeOptions, authenticates: bool) -> Result<(), String> {
    let web = options.web.http_api_listen;
    let web = web.map(|address| ("--http-api-listen", address));
    for (flag, address) in [("--listen", options.listen)].into_iter().chain(web) {
        if let Some(warning) = options.tls.check_exposure(flag, address, authenticates)? {
            tracing::warn!("{warning}");
        }
    }
    Ok(())
}

/// The port of the service, and that for browsers and curl if there is to be one.
pub(crate) async fn ports(
    grpc: Listener,
    options: &ServeOptions,
    authenticates: bool,
) -> Result<Ports, String> {
    let Some(address) = options.web.http_api_listen else {
        return Ok(grpc.into());
    };
    let tcp = bind(address, "--http-api-listen").await?;
    let web = WebPort {
        listener: grpc.beside(tcp),
        origins: options.web.cors_origins.clone(),
        any_host: authenticates
            || options.tls.insecure
            || !address.ip().to_canonical().is_loopback(),
    };
    Ok(Ports {
        grpc,
        web: Some(web),
    })
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
