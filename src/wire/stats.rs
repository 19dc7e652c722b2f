//! Answers to: what waits where, what goes on, what came out, and how long did it take?

use std::collections::BTreeMap;

use ::time::OffsetDateTime;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::{serialize, serialize_option};

/// Numbers of a window that ends now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stats {
    pub window_s: f64,
    /// Jobs in all, by state.
    pub totals: BTreeMap<String, i64>,
    pub queues: Vec<QueueStats>,
    /// Who worked on which queue in the window.
    pub workers: Vec<WorkerStats>,
    /// How much was forgotten so far, by class.
    pub retention: Vec<Retention>,
}

/// A queue's numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueStats {
    pub queue: String,
    /// How many workers worked on it in the window.
    pub workers: usize,
    pub kinds: Vec<KindStats>,
}

/// The numbers of one kind in one queue.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct KindStats {
    pub kind: String,
    /// Queued, scheduled, retrying or blocked now.
    pub waiting: i64,
    /// Active now.
    pub in_flight: i64,
    /// Dead letters now.
    pub failed: i64,
    /// In the window.
    pub enqueued: i64,
    pub started: i64,
    pub completed: i64,
    /// Executions that failed in the window, dead or not.
    pub failures: i64,
    /// Executions that ran out of time, or whose worker was lost, in the window.
    pub timeouts: i64,
    pub canceled: i64,
    /// How long completed executions took.
    pub duration: Percentiles,
    /// How long jobs had been due when they were started.
    pub wait: Percentiles,
}

/// Read from logarithmic buckets: at most 5 % off.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Percentiles {
    pub mean_ms: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

/// What one worker did for one queue in the window.
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

/// What the pruner has removed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Retention {
    /// `completed`, `failed`, `canceled`, `executions`, `events`, `statistics`, `keys` or `workers`.
    pub class: String,
    pub removed: i64,
    #[serde(serialize_with = "serialize_option")]
    pub pruned_at: Option<OffsetDateTime>,
}

/// One line of the whole record.
#[derive(Debug, Serialize, ToSchema)]
pub struct Record {
    /// Grows with time.
    pub id: i64,
    /// `project`, `job`, `queue`, `worker`, `limit` or `schema`.
    #[schema(example = "job")]
    pub entity: String,
    /// The id of a project or job, the name of anything else.
    pub entity_id: String,
    /// `none` at birth.
    #[schema(example = "queued")]
    pub previous_state: String,
    #[schema(example = "active")]
    pub new_state: String,
    pub reason: Option<String>,
    pub actor: String,
    /// What was before and after, where states do not say it.
    #[schema(value_type = Option<Object>)]
    pub detail: Option<Box<serde_json::value::RawValue>>,
    pub job_id: Option<uuid::Uuid>,
    pub execution_id: Option<uuid::Uuid>,
    pub attempt: Option<i32>,
    pub request_id: Option<String>,
    #[serde(serialize_with = "serialize")]
    pub occurred_at: OffsetDateTime,
}
