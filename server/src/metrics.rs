//! Counters of this process, for Prometheus and for Koor's clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Koor's estimate of what a call over MCP costs, in tokens.
pub const MCP_CALL_TOKENS: u64 = 300;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    status: u16,
}

/// Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    seconds: Histogram,
    streams: Gauge<i64, AtomicI64>,
    liveness_rows: Counter,
    /// REST and MCP calls since the start or the last reset.
    rest_calls: Arc<AtomicU64>,
    mcp_calls: Arc<AtomicU64>,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("coro");
        let requests = Family::default();
        registry.register("http_requests", "HTTP requests answered", requests.clone());
        let seconds = Histogram::new(exponential_buckets(0.000_1, 2.0, 18));
        registry.register(
            "http_request_seconds",
            "Time to an answer's head",
            seconds.clone(),
        );
        let streams = Gauge::default();
        registry.register("streams", "Event streams that are open", streams.clone());
        let liveness_rows = Counter::default();
        registry.register(
            "liveness_rows_written",
            "Rows written to say when agents were last heard of",
            liveness_rows.clone(),
        );
        Metrics {
            registry: Arc::new(registry),
            requests,
            seconds,
            streams,
            liveness_rows,
            rest_calls: Arc::default(),
            mcp_calls: Arc::default(),
        }
    }

    pub fn request(&self, method: &str, status: u16, took: Duration) {
        let labels = RequestLabels {
            method: known(method),
            status,
        };
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts a call of the data plane, as Koor does.
    pub fn rest_call(&self) {
        self.rest_calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call of the control plane, as Koor does.
    pub fn mcp_call(&self) {
        self.mcp_calls.fetch_add(1, Ordering::Relaxed);
    }

    pub fn liveness_rows(&self, rows: u64) {
        self.liveness_rows.inc_by(rows);
    }

    /// Counts a stream for as long as the answer lives.
    pub fn stream(&self) -> OpenStream {
        self.streams.inc();
        OpenStream(self.streams.clone())
    }

    pub fn rest_calls(&self) -> u64 {
        self.rest_calls.load(Ordering::Relaxed)
    }

    pub fn mcp_calls(&self) -> u64 {
        self.mcp_calls.load(Ordering::Relaxed)
    }

    pub fn reset(&self) {
        self.rest_calls.store(0, Ordering::Relaxed);
        self.mcp_calls.store(0, Ordering::Relaxed);
    }

    /// OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let written = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        written.expect("writing to a String does not fail");
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

/// One open stream.
pub struct OpenStream(Gauge<i64, AtomicI64>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A label must not be what a client makes up.
fn known(method: &str) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"];
    METHODS
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
