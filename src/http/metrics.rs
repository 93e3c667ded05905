//! What the server counts, for Prometheus.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::http::client::Client;
use crate::http::problem::ApiError;

/// Upper bounds of the answer times' buckets, in seconds: from a cached page to a hashed password.
const SECONDS_BUCKETS: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

/// Counters and gauges. Other rooms add theirs to `registry`.
#[derive(Debug)]
pub struct Metrics {
    /// What `/metrics` shows.
    pub registry: Registry,
    /// Requests answered, by route, method and status.
    pub http_requests: IntCounterVec,
    /// How long answers took, by route.
    pub http_seconds: HistogramVec,
    /// TCP connections open, sockets included.
    pub connections: IntGauge,
    /// Connections refused at the door, by reason.
    pub connections_refused: IntCounterVec,
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new_custom(Some("portico".into()), None).expect("a valid prefix");
        let seconds = HistogramOpts::new("http_request_seconds", "Seconds from a request to its answer");
        let requests = Opts::new("http_requests_total", "Requests answered");
        let refused = Opts::new("connections_refused_total", "Connections refused at the door");
        Self {
            http_requests: add(&registry, IntCounterVec::new(requests, &["route", "method", "status"])),
            http_seconds: add(
                &registry,
                HistogramVec::new(seconds.buckets(SECONDS_BUCKETS.into()), &["route"]),
            ),
            connections: add(&registry, IntGauge::new("connections_open", "TCP connections open")),
            connections_refused: add(&registry, IntCounterVec::new(refused, &["reason"])),
            registry,
        }
    }
}

/// Puts a metric that was just made into `registry`.
///
/// # Panics
/// Its name is malformed or taken: a mistake of ours that the first start shows.
pub fn add<M>(registry: &Registry, metric: prometheus::Result<M>) -> M
where
    M: prometheus::core::Collector + Clone + 'static,
{
    let metric = metric.expect("a well-formed metric");
    registry.register(Box::new(metric.clone())).expect("a metric of this name once");
    metric
}

/// `/metrics`.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/metrics", get(show))
}

/// Metrics tell how busy a brand is: only for this machine, or for who knows the token.
async fn show(
    State(app): State<Arc<App>>,
    client: Client,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    if !may_see(&app, &client, &headers) {
        return Err(ApiError::not_found());
    }
    let mut text = TextEncoder::new()
        .encode_to_string(&app.metrics.registry.gather())
        .map_err(|error| ApiError::internal(&error))?;
    text.push_str(&process_metrics());
    Ok(([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text))
}

fn may_see(app: &App, client: &Client, headers: &HeaderMap) -> bool {
    match &app.config.metrics_token {
        Some(token) => {
            let given =
                headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
            given.is_some_and(|given| bool::from(given.ct_eq(token.as_bytes())))
        }
        // A proxy on this machine makes everybody look local: whoever was forwarded is not.
        None => client.address.is_loopback() && !client.is_forwarded,
    }
}

/// The process's own memory and descriptors under the names that every Prometheus dashboard knows. Absent
/// where there is no `/proc`.
fn process_metrics() -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: Option<u64>| {
        if let Some(value) = value {
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n"));
        }
    };
    gauge("process_resident_memory_bytes", "Resident memory in bytes", resident_bytes());
    let descriptors = std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64);
    gauge("process_open_fds", "Open file descriptors", descriptors);
    text
}

/// Resident memory in bytes.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}
