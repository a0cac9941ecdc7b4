//! Where connections come from.

use std::sync::Arc;

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
}

impl From<TcpListener> for Listener {
    /// A port without TLS.
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, tls: None }
    }
}
