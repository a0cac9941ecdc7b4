//! What one client may use of the server, and for how long.

use std::{sync::Arc, time::Duration};

use crate::api::rates::Rates;

/// Limits that keep one client, or a broken one, from using up the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections; one more is closed as soon as it is accepted.
    pub max_connections: usize,
    /// Unary calls being handled at a time, of which a tenant can have half; one more is answered
    /// UNAVAILABLE. Health checks are not counted. Several hundred are enough to be as fast as
    /// possible; what waits beyond that only answers later.
    pub max_calls: usize,
    /// The same for streams, of which a tenant can have half. As many health watches and reflection
    /// streams may be open besides.
    pub max_streams: usize,
    /// Memory for requests that arrive or wait, in bytes, of which a tenant can have half; a call
    /// that needs more is answered UNAVAILABLE. The first 16 KiB of each message are not counted.
    pub max_request_memory: usize,
    /// What tenants are granted.
    pub rates: Arc<Rates>,
    /// Open calls per connection, sent to the client in the HTTP/2 settings.
    pub max_concurrent_streams: u32,
    /// Size of one message in either direction, in bytes. Must be set on every service in the
    /// routes, with `max_decoding_message_size` and `max_encoding_message_size`.
    pub max_message_bytes: usize,
    /// Longest time for a call that is answered by one message; also its deadline when the
    /// caller gave none.
    pub max_unary_time: Duration,
    /// The same for a call that streams, in either direction.
    pub max_stream_time: Duration,
    /// How long a caller may leave an answer unread.
    pub unread_timeout: Duration,
    /// How long open calls may continue after the shutdown has begun.
    pub drain_timeout: Duration,
    /// How long a new connection may take to send the HTTP/2 preface.
    pub preface_timeout: Duration,
    /// When an idle connection is pinged.
    pub keepalive_interval: Duration,
    /// How long the answer to a ping may take before the connection is closed.
    pub keepalive_timeout: Duration,
    /// When a connection gets GOAWAY (its open calls continue), so that load spreads again
    /// after a restart. For each it is longer or shorter by up to a sixth.
    pub max_connection_age: Duration,
}

impl Limits {
    /// Tenants without a limit of their own make at most so many calls in a second; 0 is no limit.
    #[must_use]
    pub fn with_tenant_calls_per_second(mut self, max: u32) -> Self {
        self.rates = Arc::new(Rates::new(max));
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_calls: 2_000,
            max_streams: 10_000,
            max_request_memory: 256 << 20,
            rates: Arc::default(),
            max_concurrent_streams: 256,
            max_message_bytes: 4 << 20,
            max_unary_time: Duration::from_secs(60),
            max_stream_time: Duration::from_secs(60 * 60),
            unread_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(20),
            preface_timeout: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(20),
            max_connection_age: Duration::from_secs(30 * 60),
        }
    }
}
