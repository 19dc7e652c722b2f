//! The protocol between a server and remote workers, under `/internal`.

mod heartbeat;
mod logs;
mod result;
mod steps;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::duration::HumanDuration;

pub use heartbeat::{
    Heartbeat, HeartbeatBatch, HeartbeatBatchResponse, HeartbeatResponse, HeldExecution, Progress, StillHeld,
    WorkerInfo,
};
pub use logs::{LogLine, Logs, LogsResponse, PostLine, PostLogs};
pub use result::{ExecutionResult, Release, ResultResponse};
pub use steps::{EarlierStep, RecordStep, RunTokenReply, RunTokenRequest, SecretReply, SecretRequest, StepReply};

/// The longest lease of a delivered job before its first heartbeat: if the response is lost, the job is free again soon.
pub const DELIVERY_LEASE: Duration = Duration::from_secs(10);
/// The maximum number of jobs in one response.
pub const MAX_DELIVERED: i64 = 100;

/// A request for work. Every field is optional.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dequeue {
    /// Unique to each start of a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
    /// Maximum number of jobs to return, usually the free slots. Clamped to 1 to 100.
    #[serde(default)]
    pub limit: i64,
    /// Default: every queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queues: Option<Vec<String>>,
    /// Default: `command`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// Default: every tenant.
    #[serde(skip_serializing_if = "Option::is_none", alias = "tenant_ids")]
    pub tenants: Option<Vec<String>>,
    /// How long to wait for work, at most 20 s. Default: respond immediately.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "4s")]
    pub wait: Option<HumanDuration>,
    /// Repeating a request with the same id returns the same jobs. Delivered jobs must be confirmed by a heartbeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The jobs that were claimed for a worker.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    pub executions: Vec<Delivered>,
    /// How long the server held the request before the leases began.
    pub waited_ms: u64,
}

/// A leased attempt to run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivered {
    /// The fencing token, required in every later request about this attempt.
    pub execution_id: Uuid,
    pub job_id: Uuid,
    pub kind: String,
    pub queue: String,
    pub tenant: String,
    /// Number of this attempt, starting at 1.
    pub attempt: i32,
    pub failures: i32,
    pub max_attempts: i32,
    /// Time limit of this attempt.
    pub timeout_ms: Option<u64>,
    /// Remaining lease; a heartbeat extends it.
    pub lease_ttl_ms: u64,
    /// State of the job before it was claimed.
    pub previous_state: String,
    pub project_id: Option<Uuid>,
    /// Outcomes and results of the job's dependencies.
    #[schema(value_type = Option<Object>)]
    pub inputs: Option<Box<RawValue>>,
    /// The payload, byte for byte as it was enqueued.
    #[schema(value_type = Object)]
    pub payload_json: Box<RawValue>,
    /// The payload in the format of command agents; present if the request had no `request_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<AgentPayload>,
}

/// A job of kind `command` in the format of command agents.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AgentPayload {
    pub job: AgentJob,
    pub trace: BTreeMap<String, String>,
}

/// Field names follow Go conventions.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AgentJob {
    #[serde(rename = "ID")]
    pub id: Uuid,
    /// The tenant's name if it is a UUID, otherwise a UUID derived from the name.
    #[serde(rename = "TenantID")]
    pub tenant_id: Uuid,
    pub name: String,
    pub image: String,
    pub command: Vec<String>,
    /// Seconds; 0 means no timeout.
    pub default_timeout: u64,
    pub priority: i16,
    #[serde(rename = "CallbackURL")]
    pub callback_url: Option<String>,
    pub callback_headers: Option<BTreeMap<String, String>>,
    /// RFC 3339.
    pub created_at: String,
}
