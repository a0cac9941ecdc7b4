//! Traces by OTLP, as the standard variables `OTEL_*` say.

use std::{
    env,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
    trace::TracerProvider,
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{SdkTracerProvider, SpanData, SpanExporter as ExportsSpans},
};
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{filter::filter_fn, layer::Layer, registry::LookupSpan};

/// The target of the spans that traces consist of. Log lines do not show them.
pub(crate) const TRACES: &str = "mailing_groups::traces";

/// How long the last spans may take to be sent when the program ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

static PROPAGATOR: LazyLock<TraceContextPropagator> = LazyLock::new(TraceContextPropagator::new);

/// Where spans are sent.
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// `None` without a variable that names a collector. Must be called in the runtime.
    pub(super) fn from_environment() -> Result<Option<Self>, ExporterBuildError> {
        let set = |name: &str| env::var(name).is_ok_and(|value| !value.is_empty());
        let is = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
        let wanted =
            set("OTEL_EXPORTER_OTLP_ENDPOINT") || set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        if !wanted || is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        let exporter = QuietExporter {
            exporter: SpanExporter::builder().with_tonic().build()?,
            fails: AtomicBool::new(false),
        };
        // The sampler, the limits and the queue come from the environment.
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource())
            .build();
        Ok(Some(Self(provider)))
    }

    /// Makes spans of this program's target into those of a trace.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("mailing-groups"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_level(false)
            .with_context_activation(false)
            .with_filter(
                filter_fn(|metadata| metadata.is_span() && metadata.target() == TRACES)
                    .with_max_level_hint(Level::INFO),
            )
    }

    /// Sends the last spans.
    pub(super) async fn flush(self) {
        // It waits for a thread that may need the runtime.
        let shutdown = move || self.0.shutdown_with_timeout(FLUSH_TIMEOUT);
        match tokio::task::spawn_blocking(shutdown).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("the last traces could not be sent: {error}"),
            Err(_) => tracing::warn!("the last traces could not be sent"),
        }
    }
}

/// What the environment says of this process, and what it leaves open.
fn resource() -> Resource {
    let found = Resource::builder().build();
    let name = found.get(&"service.name".into());
    let builder = Resource::builder().with_attribute(opentelemetry::KeyValue::new(
        "service.version",
        env!("CARGO_PKG_VERSION"),
    ));
    match name {
        Some(name) if !name.as_str().starts_with("unknown_service") => builder.build(),
        Some(_) | None => builder.with_service_name("mailing-groups").build(),
    }
}

/// Logs when the collector begins to fail, and when it takes spans again; not each failure.
#[derive(Debug)]
struct QuietExporter {
    exporter: SpanExporter,
    fails: AtomicBool,
}

impl ExportsSpans for QuietExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exported = self.exporter.export(batch).await;
        let failed = self.fails.swap(exported.is_err(), Ordering::Relaxed);
        match &exported {
            Err(error) if !failed => {
                tracing::warn!("traces cannot be sent and are lost until they can: {error}");
            }
            Ok(()) if failed => tracing::info!("traces are sent again"),
            Ok(()) | Err(_) => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Whether traces are sent at all.
pub(crate) fn is_tracing() -> bool {
    tracing::span_enabled!(target: TRACES, Level::INFO)
}

/// The present span of a trace; none without traces.
pub(crate) fn current_span() -> Span {
    match is_tracing() {
        true => Span::current(),
        false => Span::none(),
    }
}

/// Makes a span part of the caller's trace, as the headers `traceparent` and `tracestate` say.
pub(crate) fn continue_trace(span: &Span, headers: &dyn Extractor) {
    let caller: Context = PROPAGATOR.extract(headers);
    // It fails only for a span without a trace.
    let _ = span.set_parent(caller);
}
