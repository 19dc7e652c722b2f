//! Metrics of this process for Prometheus. Metrics from the database are added at each scrape.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The metrics. The values of labels are bounded: routes instead of paths, kinds instead of ids.
#[derive(Clone)]
pub struct Telemetry {
    pub requests: Family<RequestLabels, Counter>,
    pub request_seconds: Family<RouteLabels, Histogram>,
    pub claims: Family<KindLabels, Counter>,
    pub settlements: Family<OutcomeLabels, Counter>,
    pub stale_settlements: Counter,
    pub reaped: Counter,
    pub expired: Counter,
    pub expired_jobs: Counter,
    pub enqueued: Counter,
    pub pruned: Counter,
    pub created: Counter,
    pub ticks_fired: Counter,
    pub ticks_skipped: Counter,
    pub work_seconds: Family<KindLabels, Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    pub method: &'static str,
    pub route: String,
    pub status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    pub route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabels {
    pub kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    pub kind: String,
    pub outcome: String,
}

impl Default for Telemetry {
    fn default() -> Self {
        let request_buckets =
            || Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]);
        let attempt_buckets = || Histogram::new([0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 30.0, 60.0, 300.0]);
        Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(request_buckets),
            claims: Family::default(),
            settlements: Family::default(),
            stale_settlements: Counter::default(),
            reaped: Counter::default(),
            expired: Counter::default(),
            expired_jobs: Counter::default(),
            enqueued: Counter::default(),
            pruned: Counter::default(),
            created: Counter::default(),
            ticks_fired: Counter::default(),
            ticks_skipped: Counter::default(),
            work_seconds: Family::new_with_constructor(attempt_buckets),
        }
    }
}

impl Telemetry {
    /// A registry of every metric. The caller may register more before encoding it.
    pub fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("provost");
        let Self { requests, request_seconds, claims, settlements, .. } = self;
        registry.register("http_requests", "Requests handled by this process", requests.clone());
        registry.register("http_request_duration_seconds", "Time to respond to a request", request_seconds.clone());
        registry.register("jobs_claimed", "Jobs claimed by this process", claims.clone());
        registry.register("jobs_settled", "Executions settled by this process", settlements.clone());
        registry.register(
            "stale_settlements",
            "Settlements refused because the execution was no longer current",
            self.stale_settlements.clone(),
        );
        registry.register("leases_reaped", "Jobs that this process reaped from lost workers", self.reaped.clone());
        registry.register(
            "projects_expired",
            "Projects that this process failed at their deadline",
            self.expired.clone(),
        );
        registry.register("jobs_expired", "Jobs that this process failed at their deadline", self.expired_jobs.clone());
        registry.register("jobs_enqueued", "Jobs enqueued through this process", self.enqueued.clone());
        registry.register("rows_pruned", "Rows that this process deleted for retention", self.pruned.clone());
        registry.register("projects_created", "Projects created through this process", self.created.clone());
        registry.register("ticks_fired", "Due times that this process started", self.ticks_fired.clone());
        registry.register("ticks_skipped", "Due times that this process skipped", self.ticks_skipped.clone());
        registry.register("job_duration_seconds", "Duration of attempts", self.work_seconds.clone());
        registry
    }
}
