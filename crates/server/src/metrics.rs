//! Prometheus metrics, each server its own: nothing is installed globally, so that several servers
//! can run in one process (as tests do).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use earmark_engine::EngineStatistics;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::pool::Lane;

const METADATA: Metadata<'static> = Metadata::new("earmark", Level::INFO, None);

/// From a queue's hop to a long recording, in seconds.
const BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0];

const GAUGES: [(&str, &str); 7] = [
    ("earmark_customers", "Customers enrolled, over all tenants."),
    ("earmark_proxies", "Proxies listed, over all tenants."),
    ("earmark_live_calls", "Calls being screened now."),
    ("earmark_enrollment_streams", "Enrollment streams open now."),
    ("earmark_watchers", "Desktops watching calls now."),
    ("earmark_connections", "Connections open now."),
    ("earmark_queue_depth", "Jobs waiting for a thread, by lane."),
];
const COUNTERS: [(&str, &str); 5] = [
    ("earmark_audio_seconds_total", "Audio taken in, in seconds."),
    ("earmark_decisions_total", "Calls decided, by verdict of the final update."),
    ("earmark_media_streams_total", "Media streams that ended, by protocol and how."),
    ("earmark_rpcs_total", "Calls of the API, by method and gRPC code."),
    ("earmark_refusals_total", "Calls of the API that failed, by reason."),
];
const HISTOGRAMS: [(&str, &str); 4] = [
    ("earmark_queue_wait_seconds", "Time a job waited for a thread, by lane."),
    ("earmark_stage_seconds", "Time of a step of a stream on its thread, by stage."),
    ("earmark_update_compute_seconds", "Processor time of one evidence update."),
    ("earmark_rpc_seconds", "Time of a call of the API from its first to its last byte, by method."),
];

/// A step of a live call or of an enrollment stream that runs on a thread of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A call begins.
    Begin,
    /// Audio is decoded and its speech found.
    Accept,
    /// An update is made: embedding, search, decision, record.
    Update,
    /// The last update is made and kept.
    Finish,
    /// A stream's audio is enrolled.
    Enroll,
}

impl Stage {
    fn label(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Accept => "accept",
            Self::Update => "update",
            Self::Finish => "finish",
            Self::Enroll => "enroll",
        }
    }
}

/// The handles, and the recorder behind them.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    pub(crate) live_calls: Gauge,
    pub(crate) enrollment_streams: Gauge,
    pub(crate) watchers: Gauge,
    pub(crate) connections: Gauge,
    customers: Gauge,
    proxies: Gauge,
    update_compute: Histogram,
    audio_seconds: Counter,
    audio_millis: AtomicU64,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, BuildError> {
        let recorder = PrometheusBuilder::new().set_buckets(&BUCKETS)?.build_recorder();
        describe(&recorder);
        let gauge = |name| recorder.register_gauge(&Key::from_static_name(name), &METADATA);
        let histogram = |name| recorder.register_histogram(&Key::from_static_name(name), &METADATA);
        let key = Key::from_static_name("earmark_audio_seconds_total");
        Ok(Self {
            handle: recorder.handle(),
            live_calls: gauge("earmark_live_calls"),
            enrollment_streams: gauge("earmark_enrollment_streams"),
            watchers: gauge("earmark_watchers"),
            connections: gauge("earmark_connections"),
            customers: gauge("earmark_customers"),
            proxies: gauge("earmark_proxies"),
            update_compute: histogram("earmark_update_compute_seconds"),
            audio_seconds: recorder.register_counter(&key, &METADATA),
            audio_millis: AtomicU64::new(0),
            recorder,
        })
    }

    /// The text that Prometheus reads.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }

    /// Moves what was recorded into the histograms. Without it they grow until the next scrape.
    pub(crate) fn tidy(&self) {
        self.handle.run_upkeep();
    }

    /// How much the engine holds.
    pub(crate) fn holds(&self, statistics: EngineStatistics) {
        self.customers.set(statistics.customers as f64);
        self.proxies.set(statistics.proxies as f64);
    }

    pub(crate) fn queue_depth(&self, lane: Lane) -> Gauge {
        let key = labeled("earmark_queue_depth", [("lane", lane.label())]);
        self.recorder.register_gauge(&key, &METADATA)
    }

    pub(crate) fn queue_wait(&self, lane: Lane) -> Histogram {
        self.histogram("earmark_queue_wait_seconds", ("lane", lane.label()))
    }

    pub(crate) fn stage(&self, stage: Stage, took: Duration) {
        self.histogram("earmark_stage_seconds", ("stage", stage.label())).record(took);
    }

    pub(crate) fn update_compute(&self, took: Duration) {
        self.update_compute.record(took);
    }

    /// Adds audio; fractions of a second are kept until they make a whole one.
    pub(crate) fn audio(&self, seconds: f64) {
        let millis = (seconds.max(0.0) * 1000.0).round() as u64;
        let total = self.audio_millis.fetch_add(millis, Ordering::Relaxed).saturating_add(millis);
        self.audio_seconds.absolute(total / 1000);
    }

    pub(crate) fn decision(&self, verdict: &'static str) {
        self.count(labeled("earmark_decisions_total", [("verdict", verdict)]));
    }

    pub(crate) fn rpc(&self, method: &'static str, code: &'static str, took: Duration) {
        self.count(labeled("earmark_rpcs_total", [("method", method), ("code", code)]));
        self.histogram("earmark_rpc_seconds", ("method", method)).record(took);
    }

    pub(crate) fn media_stream(&self, protocol: &'static str, end: &'static str) {
        self.count(labeled("earmark_media_streams_total", [("protocol", protocol), ("end", end)]));
    }

    /// `reason` comes from our own statuses only, so there are few of them.
    pub(crate) fn refusal(&self, reason: String) {
        let key = Key::from_parts("earmark_refusals_total", vec![Label::new("reason", reason)]);
        self.count(key);
    }

    fn count(&self, key: Key) {
        self.recorder.register_counter(&key, &METADATA).increment(1);
    }

    fn histogram(&self, name: &'static str, label: (&'static str, &'static str)) -> Histogram {
        self.recorder.register_histogram(&labeled(name, [label]), &METADATA)
    }
}

fn labeled<const N: usize>(name: &'static str, labels: [(&'static str, &'static str); N]) -> Key {
    let labels: Vec<Label> = labels.iter().map(|(key, value)| Label::from_static_parts(key, value)).collect();
    Key::from_parts(name, labels)
}

fn describe(recorder: &PrometheusRecorder) {
    for (name, text) in GAUGES {
        recorder.describe_gauge(name.into(), None, text.into());
    }
    for (name, text) in COUNTERS {
        recorder.describe_counter(name.into(), None, text.into());
    }
    for (name, text) in HISTOGRAMS {
        recorder.describe_histogram(name.into(), None, text.into());
    }
}

/// Counts one in a gauge for as long as it lives.
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_was_counted() {
        let metrics = Metrics::new().unwrap();
        metrics.audio(1.6);
        metrics.audio(1.6);
        metrics.decision("SUSPECTED_PROXY");
        metrics.rpc("ScreeningService/GetCall", "NOT_FOUND", Duration::from_millis(3));
        metrics.refusal("UNKNOWN_CALL".into());
        metrics.holds(EngineStatistics { customers: 7, proxies: 3, live_calls: 0 });
        let live = Counted::new(&metrics.live_calls);
        let text = metrics.render();
        for line in [
            "earmark_audio_seconds_total 3",
            "earmark_decisions_total{verdict=\"SUSPECTED_PROXY\"} 1",
            "earmark_rpcs_total{method=\"ScreeningService/GetCall\",code=\"NOT_FOUND\"} 1",
            "earmark_refusals_total{reason=\"UNKNOWN_CALL\"} 1",
            "earmark_rpc_seconds_bucket{method=\"ScreeningService/GetCall\",le=\"0.005\"} 1",
            "earmark_live_calls 1",
            "earmark_customers 7",
            "earmark_proxies 3",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        drop(live);
        assert!(metrics.render().contains("earmark_live_calls 0"));
    }

    #[test]
    fn every_metric_is_explained() {
        let metrics = Metrics::new().unwrap();
        metrics.queue_depth(Lane::Live).set(1.0);
        metrics.queue_wait(Lane::Batch).record(0.1);
        metrics.stage(Stage::Update, Duration::from_millis(1));
        metrics.update_compute(Duration::from_millis(1));
        metrics.rpc("m", "OK", Duration::ZERO);
        metrics.decision("MATCH");
        metrics.refusal("X".into());
        metrics.media_stream("audiosocket", "HUNG_UP");
        let text = metrics.render();
        for (name, help) in GAUGES.iter().chain(&COUNTERS).chain(&HISTOGRAMS) {
            assert!(text.contains(&format!("# HELP {name} {help}")), "{name} is not in\n{text}");
        }
    }

    #[test]
    fn two_servers_in_one_process_count_apart() {
        let (one, other) = (Metrics::new().unwrap(), Metrics::new().unwrap());
        one.decision("MATCH");
        assert!(!other.render().contains("verdict"));
    }
}
