//! Metrics in the format of Prometheus. Until [`install`] is called, which `serve` does when it has an
//! HTTP listener, every handle does nothing.
//!
//! Handles are made once and kept: making one allocates, using one is an atomic operation. Gauges of
//! what is counted elsewhere are set when the metrics are read, by [`at_reading`].

mod table;

use std::sync::{Mutex, OnceLock, PoisonError};

use metrics::{Counter, Gauge, Histogram, Label, Unit};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub(crate) use self::table::*;

/// A metric of the service.
pub(crate) struct Metric {
    name: &'static str,
    kind: Kind,
    unit: Unit,
    labels: &'static [&'static str],
    help: &'static str,
}

/// What a metric is.
enum Kind {
    Counter,
    Gauge,
    /// With these upper bounds of its buckets.
    Histogram(&'static [f64]),
}

/// Renders the metrics on request.
struct Exporter {
    prometheus: PrometheusHandle,
    process: metrics_process::Collector,
    readings: Mutex<Vec<Box<dyn Fn() + Send>>>,
}

static EXPORTER: OnceLock<Exporter> = OnceLock::new();

/// Metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The exporter refuses its settings, or there is another one in this process.
    #[error("the metrics cannot be set up")]
    Exporter(#[from] BuildError),
}

/// Starts to measure. Handles that were made before stay without effect.
///
/// # Errors
///
/// If metrics were set up before in this process.
pub fn install() -> Result<(), Error> {
    let mut builder = PrometheusBuilder::new();
    for metric in ALL {
        if let Kind::Histogram(buckets) = metric.kind {
            // Without buckets it would be a summary, which cannot be added up over servers.
            let name = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(name, buckets)?;
        }
    }
    let recorder = builder.build_recorder();
    let prometheus = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(BuildError::from)?;
    ALL.iter().for_each(Metric::describe);
    let process = metrics_process::Collector::default();
    process.describe();
    let exporter = Exporter {
        prometheus,
        process,
        readings: Mutex::default(),
    };
    // The global recorder is set once only.
    let _ = EXPORTER.set(exporter);
    BUILD_INFO.gauge(&[env!("CARGO_PKG_VERSION")]).set(1.0);
    // Known from the start, whatever makes them later.
    for metric in ALL.iter().filter(|it| it.labels.is_empty()) {
        metric.register();
    }
    Ok(())
}

/// Calls `reading`, which sets gauges, before each rendering. Does nothing without an exporter.
pub(crate) fn at_reading(reading: impl Fn() + Send + 'static) {
    if let Some(exporter) = EXPORTER.get() {
        exporter.readings().push(Box::new(reading));
    }
}

/// All metrics in the text format of Prometheus; nothing before [`install`].
pub(crate) fn render() -> String {
    let Some(exporter) = EXPORTER.get() else {
        return String::new();
    };
    for reading in &*exporter.readings() {
        reading();
    }
    exporter.process.collect();
    exporter.prometheus.render()
}

/// Moves samples into the buckets of histograms. They take memory until then, so it is to be called
/// every few seconds.
pub(crate) fn upkeep() {
    if let Some(exporter) = EXPORTER.get() {
        exporter.prometheus.run_upkeep();
    }
}

impl Exporter {
    fn readings(&self) -> std::sync::MutexGuard<'_, Vec<Box<dyn Fn() + Send>>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Metric {
    /// The counter with these values of the labels.
    pub(crate) fn counter(&self, values: &[&str]) -> Counter {
        metrics::counter!(self.name, self.labels(values))
    }

    /// The gauge with these values of the labels.
    pub(crate) fn gauge(&self, values: &[&str]) -> Gauge {
        metrics::gauge!(self.name, self.labels(values))
    }

    /// The histogram with these values of the labels.
    pub(crate) fn histogram(&self, values: &[&str]) -> Histogram {
        metrics::histogram!(self.name, self.labels(values))
    }

    fn labels(&self, values: &[&str]) -> Vec<Label> {
        debug_assert_eq!(self.labels.len(), values.len(), "{}", self.name);
        let pairs = self.labels.iter().zip(values);
        pairs
            .map(|(name, value)| Label::new(*name, (*value).to_owned()))
            .collect()
    }

    fn describe(&self) {
        match self.kind {
            Kind::Counter => metrics::describe_counter!(self.name, self.unit, self.help),
            Kind::Gauge => metrics::describe_gauge!(self.name, self.unit, self.help),
            Kind::Histogram(_) => metrics::describe_histogram!(self.name, self.unit, self.help),
        }
    }

    fn register(&self) {
        match self.kind {
            Kind::Counter => self.counter(&[]).increment(0),
            Kind::Gauge => self.gauge(&[]).increment(0.0),
            Kind::Histogram(_) => drop(self.histogram(&[])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the documentation.
    fn documented() -> String {
        let row = |metric: &Metric| {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            let unit = match metric.unit {
                Unit::Count => "",
                _ => metric.unit.as_str(),
            };
            let labels: Vec<_> = metric.labels.iter().map(|it| format!("`{it}`")).collect();
            let (name, labels, help) = (metric.name, labels.join(" "), metric.help);
            format!("| `{name}` | {kind} | {unit} | {labels} | {help} |\n")
        };
        ALL.iter().map(row).collect()
    }

    #[test]
    fn the_documentation_lists_every_metric() {
        let operations = include_str!("../docs/operations.md");
        let table = documented();
        assert!(operations.contains(&table), "docs/operations.md:\n{table}");
    }

    /// The metrics that a text names; those of the process have names of their own.
    fn named(text: &str) -> Vec<&str> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = text.split(|c| !is_word(c));
        let prefixes = ["grpc_server_", "mailing_groups_"];
        words
            .filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)))
            .collect()
    }

    #[test]
    fn dashboard_and_alerts_name_metrics_that_exist() {
        let dashboard = include_str!("../deploy/grafana/mailing-groups.json");
        let alerts = include_str!("../deploy/prometheus/alerts.yaml");
        let cases = include_str!("../deploy/prometheus/alerts_test.yaml");
        for name in [dashboard, alerts, cases].into_iter().flat_map(named) {
            let exists = ALL.iter().any(|metric| match metric.kind {
                Kind::Counter | Kind::Gauge => name == metric.name,
                Kind::Histogram(_) => ["_bucket", "_sum", "_count"]
                    .iter()
                    .any(|part| name.strip_suffix(part) == Some(metric.name)),
            });
            assert!(exists, "{name}");
        }
    }

    #[test]
    fn every_alert_is_documented_and_tried() {
        let alerts = include_str!("../deploy/prometheus/alerts.yaml").lines();
        let operations = include_str!("../docs/operations.md");
        let cases = include_str!("../deploy/prometheus/alerts_test.yaml");
        for alert in alerts.filter_map(|line| line.trim().strip_prefix("- alert: ")) {
            assert!(operations.contains(&format!("| `{alert}` |")), "{alert}");
            assert!(cases.contains(&format!("alertname: {alert}\n")), "{alert}");
        }
    }

    #[test]
    fn metrics_are_named_as_prometheus_wants_it() {
        for metric in ALL {
            let name = metric.name;
            let is_counter = matches!(metric.kind, Kind::Counter);
            assert_eq!(is_counter, name.ends_with("_total"), "{name}");
            match metric.unit {
                Unit::Bytes => assert!(name.ends_with("_bytes"), "{name}"),
                Unit::Seconds => assert!(name.ends_with("_seconds"), "{name}"),
                _ => {}
            }
        }
    }
}
