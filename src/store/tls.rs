//! Negotiates TLS with the database, as `sslmode` says.

use std::error::Error;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::{
    Socket,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::either::Either;

use super::{
    InvalidUrl, certificates,
    tap::{Tap, Tapped},
    url::{TlsMode, UrlOptions},
};

type BoxError = Box<dyn Error + Send + Sync>;

type RustlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Negotiates TLS as `mode` says, and taps the stream.
#[derive(Clone)]
pub(super) struct MakeTls {
    rustls: MakeRustlsConnect,
    mode: TlsMode,
    tap: Tap,
}

impl MakeTls {
    pub(super) fn new(options: &UrlOptions) -> Result<Self, InvalidUrl> {
        Ok(Self {
            rustls: MakeRustlsConnect::new(certificates::client_config(options)?),
            mode: options.mode,
            tap: Tap::default(),
        })
    }

    /// For one connection, which is tapped.
    pub(super) fn tapped(&self, tap: Tap) -> Self {
        Self {
            tap,
            ..self.clone()
        }
    }
}

/// As [`MakeTls`], for one host.
pub(super) struct Tls {
    rustls: <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect,
    mode: TlsMode,
    tap: Tap,
}

impl MakeTlsConnect<Socket> for MakeTls {
    type Stream = Tapped<Either<Socket, RustlsStream>>;
    type TlsConnect = Tls;
    type Error = BoxError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Tls, BoxError> {
        Ok(Tls {
            rustls: MakeTlsConnect::<Socket>::make_tls_connect(&mut self.rustls, domain)?,
            mode: self.mode,
            tap: self.tap.clone(),
        })
    }
}

impl TlsConnect<Socket> for Tls {
    type Stream = Tapped<Either<Socket, RustlsStream>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Stream, BoxError>>;

    fn connect(self, mut socket: Socket) -> Self::Future {
        /// "SSLRequest" of PostgreSQL's message formats.
        const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
        Box::pin(async move {
            let mut accepted = false;
            if self.mode != TlsMode::Disable {
                socket.write_all(&SSL_REQUEST).await?;
                accepted = socket.read_u8().await? == b'S';
            }
            let stream = match (accepted, self.mode) {
                (true, _) => Either::Right(self.rustls.connect(socket).await?),
                (false, TlsMode::Disable | TlsMode::Prefer) => Either::Left(socket),
                (false, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => {
                    return Err("server does not support TLS".into());
                }
            };
            Ok(Tapped::new(stream, self.tap))
        })
    }
}

impl TlsStream for Tapped<Either<Socket, RustlsStream>> {
    fn channel_binding(&self) -> ChannelBinding {
        match self.stream() {
            Either::Left(_) => ChannelBinding::none(),
            Either::Right(tls) => tls.channel_binding(),
        }
    }
}
