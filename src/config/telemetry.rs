//! The flags of what is seen from outside: logs, and the HTTP listener.

use std::net::SocketAddr;

use clap::Args;

use super::address;
use crate::telemetry::{self, LogFormat, LogOptions};

/// Flags of logs and metrics.
#[derive(Debug, Clone, Args)]
pub struct TelemetryOptions {
    /// IP address or host name, and port, of the HTTP listener with /metrics, /livez and /readyz. It
    /// has no TLS and no authentication: for the inner network [default: none]
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MAILING_GROUPS_HTTP_LISTEN",
        value_parser = address
    )]
    pub http_listen: Option<SocketAddr>,
    /// Count the calls of so many tenants under their names, and those of further ones as _other; 0
    /// counts none by tenant
    #[arg(
        long,
        value_name = "COUNT",
        env = "MAILING_GROUPS_METRICS_TENANTS",
        default_value = "0"
    )]
    pub metrics_tenants: usize,
    /// Log filter: error, warn, info, debug or trace, or directives such as
    /// info,mailing_groups=debug; the variable RUST_LOG overrides it
    #[arg(
        long,
        value_name = "FILTER",
        env = "MAILING_GROUPS_LOG",
        default_value = "info",
        value_parser = telemetry::check_filter
    )]
    pub log: String,
    /// Format of log lines
    #[arg(
        long,
        value_name = "FORMAT",
        env = "MAILING_GROUPS_LOG_FORMAT",
        value_enum,
        default_value = "text"
    )]
    pub log_format: LogFormat,
    /// Write a log line for each call, not only for those that failed
    #[arg(long, env = "MAILING_GROUPS_ACCESS_LOG")]
    pub access_log: bool,
}

impl TelemetryOptions {
    /// What is logged.
    pub fn logs(&self) -> LogOptions<'_> {
        LogOptions {
            format: self.log_format,
            filter: &self.log,
            access: self.access_log,
        }
    }
}
