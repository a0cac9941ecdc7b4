//! Logging to standard error, one event per line, and traces.
//!
//! Never personal data: no message contents, no metadata except the request id and the tenant, no texts
//! of panics, no parameters of statements.

mod lines;
mod traces;

use std::{
    env,
    error::Error as StdError,
    io::{IsTerminal, stderr},
    panic,
};

use clap::ValueEnum;
use opentelemetry_otlp::ExporterBuildError;
use tracing::{Dispatch, Level, Metadata};
use tracing_subscriber::{
    EnvFilter,
    filter::{FilterExt, ParseError, filter_fn},
    fmt::{self, time::ChronoUtc},
    layer::{Layer, SubscriberExt},
    registry::Registry,
    util::{SubscriberInitExt, TryInitError},
};

use self::traces::Traces;
pub(crate) use self::{
    lines::due_line,
    traces::{TRACES, continue_trace, current_span, is_tracing},
};

/// The target of the lines of the access log.
pub(crate) const ACCESS: &str = "mailing_groups::access";

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
    /// The variables `OTEL_*` name no collector that spans could be sent to.
    #[error("traces cannot be sent as the variables OTEL_EXPORTER_OTLP_* say")]
    Traces(#[from] ExporterBuildError),
}

/// What is logged and how.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions<'o> {
    /// The format of lines.
    pub format: LogFormat,
    /// What is logged, e.g. `info,mailing_groups=debug`; the variable `RUST_LOG` overrides it.
    pub filter: &'o str,
    /// Whether each call gets a line.
    pub access: bool,
}

/// Logging and traces, which work from [`init`] on.
pub struct Telemetry {
    traces: Option<Traces>,
}

impl Telemetry {
    /// Sends the spans that were not sent yet.
    pub async fn flush(self) {
        if let Some(traces) = self.traces {
            traces.flush().await;
        }
    }
}

/// Starts logging, panics too; and sending traces, if the environment names a collector. Must be called
/// in the runtime.
///
/// # Errors
///
/// If the filter or a variable of the environment is malformed, or logging was set up before.
pub fn init(options: LogOptions<'_>) -> Result<Telemetry, Error> {
    let filter = parse(env::var("RUST_LOG").ok().as_deref(), options.filter)?;
    let traces = Traces::from_environment()?;
    subscriber(options, filter, traces.as_ref()).try_init()?;
    panic::set_hook(Box::new(log_panic));
    Ok(Telemetry { traces })
}

/// Writes lines, and makes the spans of traces if they are sent.
fn subscriber(options: LogOptions<'_>, filter: EnvFilter, traces: Option<&Traces>) -> Dispatch {
    let lines = fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match options.format {
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
    let access = options.access;
    let filter = filter.and(filter_fn(is_loggable));
    let filter = filter.or(filter_fn(move |it| access && it.target() == ACCESS));
    let lines = tracing_subscriber::registry().with(lines.with_filter(filter));
    // Not a layer that is `None`: it enables every span and event, also those that no layer wants.
    match traces {
        Some(traces) => lines.with(traces.layer()).into(),
        None => lines.into(),
    }
}

/// Whether a filter can choose events of this kind. Not those of the access log, which has a flag of its
/// own. The database driver logs notices at INFO, which are about what works, and below it statements with
/// their parameters, which are personal data. What OpenTelemetry logs of the collector is logged here, once.
fn is_loggable(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    match target {
        ACCESS | TRACES => false,
        _ if target.starts_with("tokio_postgres") => *metadata.level() < Level::INFO,
        _ => !target.starts_with("opentelemetry"),
    }
}

/// The causes of an error, the direct one first.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> Option<String> {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    (!causes.is_empty()).then(|| causes.join(": "))
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
    use tracing::dispatcher;

    use super::*;

    #[test]
    fn the_environment_wins_unless_it_is_empty() {
        let filter = |environment| parse(environment, "warn").expect("a filter").to_string();
        assert_eq!(filter(Some("debug")), "debug");
        assert_eq!(filter(Some("")), "warn");
        assert_eq!(filter(None), "warn");
    }

    /// They take two fifths of the time of a call.
    #[test]
    fn without_a_collector_no_span_of_traces_is_made() {
        let options = LogOptions {
            format: LogFormat::Text,
            filter: "info",
            access: false,
        };
        let filter = parse(None, options.filter).expect("a filter");
        let subscriber = subscriber(options, filter, None);
        let is_made = || (is_tracing(), tracing::enabled!(target: ACCESS, Level::INFO));
        assert_eq!(
            dispatcher::with_default(&subscriber, is_made),
            (false, false)
        );
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
