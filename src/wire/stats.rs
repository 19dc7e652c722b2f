//! Statistics.

use std::collections::BTreeMap;

use ::time::OffsetDateTime;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::{serialize, serialize_option};

/// Statistics for a window that ends now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stats {
    pub window_s: f64,
    /// All jobs by state.
    pub totals: BTreeMap<String, i64>,
    pub queues: Vec<QueueStats>,
    /// Work done per worker and queue within the window.
    pub workers: Vec<WorkerStats>,
    /// Rows that retention has removed, by class.
    pub retention: Vec<Retention>,
}

/// Statistics of a queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueStats {
    pub queue: String,
    /// Workers that ran its jobs within the window.
    pub workers: usize,
    pub kinds: Vec<KindStats>,
}

/// Statistics of one kind within a queue.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct KindStats {
    pub kind: String,
    /// Queued, scheduled, retrying or blocked now.
    pub waiting: i64,
    /// Active now.
    pub in_flight: i64,
    /// Dead letters now.
    pub failed: i64,
    /// Enqueued within the window, like the counts that follow.
    pub enqueued: i64,
    pub started: i64,
    pub completed: i64,
    /// Attempts that failed, whether or not the job was retried.
    pub failures: i64,
    /// Attempts that timed out or whose lease expired.
    pub timeouts: i64,
    pub canceled: i64,
    /// Duration of completed attempts.
    pub duration: Percentiles,
    /// Time between the due time of a job and its start.
    pub wait: Percentiles,
}

/// Computed from logarithmic buckets, with an error of at most 5%.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Percentiles {
    pub mean_ms: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

/// Attempts of one worker on one queue within the window.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkerStats {
    pub queue: String,
    pub worker_id: String,
    pub executions: i64,
    pub completed: i64,
    pub failed: i64,
    pub timeouts: i64,
    #[serde(serialize_with = "serialize")]
    pub last_at: OffsetDateTime,
}

/// Rows that the pruner has removed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Retention {
    /// `completed`, `failed`, `canceled`, `executions`, `events`, `statistics`, `keys` or `workers`.
    pub class: String,
    pub removed: i64,
    #[serde(serialize_with = "serialize_option")]
    pub pruned_at: Option<OffsetDateTime>,
}
