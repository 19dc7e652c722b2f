//! Heartbeats of remote workers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A heartbeat for one attempt. The body may be empty.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Speeds up the lookup.
    pub job_id: Option<Uuid>,
    /// Omit to keep the progress reported last.
    pub progress: Option<Progress>,
}

/// Progress of an attempt. Informational: nothing depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// 0 to 1; other values are clamped.
    #[schema(minimum = 0, maximum = 1)]
    pub fraction: Option<f64>,
    /// Up to 200 characters; longer text is truncated.
    #[serde(default)]
    pub text: String,
}

/// The response to a heartbeat.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatResponse {
    /// Remaining lease.
    pub lease_ttl_ms: u64,
    /// The job was canceled: stop.
    pub cancel: bool,
    /// Why the job was canceled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The worker is draining: claim no more jobs and release those that do not finish soon.
    pub drain: bool,
}

/// A heartbeat for a worker process and all its attempts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatBatch {
    pub worker: WorkerInfo,
    #[serde(default)]
    pub executions: Vec<HeldExecution>,
}

/// A worker process and what it serves.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerInfo {
    /// Unique to each start of the process.
    pub id: String,
    #[serde(default)]
    pub host: String,
    #[serde(default)]
    pub pid: i32,
    #[serde(default)]
    pub incarnation: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub queues: Vec<String>,
    #[serde(default)]
    pub kinds: Vec<String>,
    #[serde(default)]
    pub slots: i32,
    #[serde(default)]
    pub busy: i32,
    /// The process is shutting down.
    #[serde(default)]
    pub draining: bool,
}

/// An attempt that the worker is running.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldExecution {
    pub execution_id: Uuid,
    pub job_id: Uuid,
    /// Omit to keep the progress reported last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// The response to a worker's heartbeat.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatBatchResponse {
    /// Attempts whose lease was extended.
    pub held: Vec<StillHeld>,
    /// Attempts whose lease is lost: stop working on them.
    pub lost: Vec<Uuid>,
    /// `online`, `cordoned` (claim no more jobs) or `draining` (and release those that do not finish soon).
    pub worker_state: String,
    /// Remaining lease of the attempts in `held`.
    pub lease_ttl_ms: u64,
}

/// An attempt whose lease was extended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StillHeld {
    pub execution_id: Uuid,
    /// Present if the job was canceled (stop); holds the reason, which may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<String>,
}
