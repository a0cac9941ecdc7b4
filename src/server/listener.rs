//! Where connections come from.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

use super::tls::TlsFiles;
use crate::reload::Reloaded;

/// A port, with TLS or without.
pub struct Listener {
    pub(super) tcp: TcpListener,
    /// Of connections that are accepted from now on.
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
