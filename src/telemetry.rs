//! Logging to standard error, one event per line.
//!
//! Never personal data: no message contents, no metadata except the request id, no texts of panics,
//! no parameters of statements.

use std::{
    env,
    io::{IsTerminal, stderr},
    panic,
};

use clap::ValueEnum;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter,
    filter::{FilterExt, ParseError, filter_fn},
    fmt::{self, time::ChronoUtc},
    layer::{Layer, SubscriberExt},
    registry::Registry,
    util::{SubscriberInitExt, TryInitError},
};

/// Times to the second in text; JSON has microseconds.
const SECONDS: &str = "%FT%TZ";

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Plain text.
    Text,
    /// One JSON object per line.
    Json,
}

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is malformed.
    #[error("the log filter {filter:?} of {origin} is not valid")]
    Filter {
        /// The filter's text.
        filter: String,
        /// The flag or variable it comes from.
        origin: &'static str,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Logging was set up before in this process.
    #[error("logging is set up already")]
    Twice(#[from] TryInitError),
}

/// Starts logging what `filter` selects, e.g. `info,mailing_groups=debug`; the variable `RUST_LOG`
/// overrides it. Panics are logged, too.
///
/// # Errors
///
/// If the filter is malformed, or logging was set up before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), Error> {
    let filter = parse(env::var("RUST_LOG").ok().as_deref(), filter)?;
    let lines = fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => lines
            .with_target(false)
            .with_timer(ChronoUtc::new(SECONDS.to_owned()))
            .boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter.and(filter_fn(is_free_of_personal_data))))
        .try_init()?;
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Whether events of this kind may be logged at all: below INFO, the database driver logs
/// statements with their parameters, which are personal data.
fn is_free_of_personal_data(metadata: &Metadata<'_>) -> bool {
    !metadata.target().starts_with("tokio_postgres") || *metadata.level() <= Level::INFO
}

/// Checks the syntax of a filter, for the parser of the command line.
pub(crate) fn check_filter(text: &str) -> Result<String, ParseError> {
    EnvFilter::builder().parse(text)?;
    Ok(text.to_owned())
}

fn parse(environment: Option<&str>, flag: &str) -> Result<EnvFilter, Error> {
    let (text, origin) = match environment {
        None | Some("") => (flag, "--log"),
        Some(text) => (text, "RUST_LOG"),
    };
    EnvFilter::builder()
        .parse(text)
        .map_err(|source| Error::Filter {
            filter: text.to_owned(),
            origin,
            source,
        })
}

/// Logs the location only: a message formatted at run time may contain personal data.
fn log_panic(info: &panic::PanicHookInfo<'_>) {
    match info.location() {
        Some(location) => tracing::error!(%location, "panicked at {location}"),
        None => tracing::error!("panicked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_unless_it_is_empty() {
        let filter = |environment| parse(environment, "warn").expect("a filter").to_string();
        assert_eq!(filter(Some("debug")), "debug");
        assert_eq!(filter(Some("")), "warn");
        assert_eq!(filter(None), "warn");
    }

    #[test]
    fn a_malformed_filter_is_named() {
        let error = parse(None, "x=loud").expect_err("no such level");
        assert_eq!(
            error.to_string(),
            "the log filter \"x=loud\" of --log is not valid"
        );
    }
}
