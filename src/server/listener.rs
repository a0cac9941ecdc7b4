//! Where connections come from.

use std::{io, net::SocketAddr, sync::Arc};

use http::HeaderValue;
use tokio::net::TcpListener;

use super::tls::TlsFiles;
use crate::reload::Reloaded;

/// A port, with TLS or without.
pub struct Listener {
    pub(super) tcp: TcpListener,
    /// For the next connections that are accepted.
    pub(super) tls: Option<Arc<Reloaded<TlsFiles>>>,
}

impl Listener {
    /// A port that speaks TLS only.
    pub fn with_tls(tcp: TcpListener, tls: Arc<Reloaded<TlsFiles>>) -> Self {
        Self {
            tcp,
            tls: Some(tls),
        }
    }

    /// Another port with the same certificates.
    #[must_use]
    pub fn beside(&self, tcp: TcpListener) -> Self {
        Self {
            tcp,
            tls: self.tls.clone(),
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The certificates, if it speaks TLS.
    pub fn tls(&self) -> Option<&Reloaded<TlsFiles>> {
        self.tls.as_deref()
    }
}

impl From<TcpListener> for Listener {
    /// A port without TLS.
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, tls: None }
    }
}

/// The ports of a server.
pub struct Ports {
    /// For gRPC.
    pub grpc: Listener,
    /// For browsers and curl.
    pub web: Option<WebPort>,
}

/// A port for browsers and curl: Connect and gRPC-Web, and gRPC over HTTP/2.
pub struct WebPort {
    /// Where connections come from.
    pub listener: Listener,
    /// The pages that may call, by their origin as browsers write it.
    pub origins: Vec<HeaderValue>,
    /// Whether a call may name any host. Else only addresses and `localhost`: a page could make
    /// the name of its own host lead to this computer.
    pub any_host: bool,
}

/// For gRPC only.
impl<L: Into<Listener>> From<L> for Ports {
    fn from(grpc: L) -> Self {
        Self {
            grpc: grpc.into(),
            web: None,
        }
    }
}
