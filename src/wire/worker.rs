//! What a server and workers elsewhere say to each other, under `/internal`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::span::Span;

/// What was delivered is leased for no longer than this until its first heartbeat, in case nobody got it.
pub const DELIVERY_LEASE: Duration = Duration::from_secs(10);
/// No request is answered with more executions.
pub const MOST_DELIVERED: i64 = 100;

/// "Give me work." Everything may be left out.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dequeue {
    /// Who asks: new for every start of a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
    /// How many at most: free slots. Less than 1 counts as 1, more than 100 as 100.
    #[serde(default)]
    pub limit: i64,
    /// Which queues; every queue unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queues: Option<Vec<String>>,
    /// Which kinds; `command` alone unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// Which tenants; every tenant unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none", alias = "tenant_ids")]
    pub tenants: Option<Vec<String>>,
    /// How long to wait for something to do, up to 20 s; not at all unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "4s")]
    pub wait: Option<Span>,
    /// The same request again is answered with the same executions. What is delivered has to be confirmed by a heartbeat soon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Work to do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    pub executions: Vec<Delivered>,
    /// How long the request waited here before these leases began.
    pub waited_ms: u64,
}

/// One job to work on, under a lease.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivered {
    /// The fencing token: whoever speaks of this execution must name it.
    pub execution_id: Uuid,
    pub job_id: Uuid,
    pub kind: String,
    pub queue: String,
    pub tenant: String,
    /// How often the job was claimed, this time included.
    pub attempt: i32,
    pub failures: i32,
    pub max_attempts: i32,
    /// How long this execution may take.
    pub timeout_ms: Option<u64>,
    /// How long it is leased from now on; a heartbeat extends it.
    pub lease_ttl_ms: u64,
    /// Where the job was.
    pub previous_state: String,
    pub project_id: Option<Uuid>,
    /// How those ended that it depended on, and what they answered.
    #[schema(value_type = Option<Object>)]
    pub inputs: Option<Box<RawValue>>,
    /// The job's payload, byte for byte.
    #[schema(value_type = Object)]
    pub payload_json: Box<RawValue>,
    /// The same for agents that know only their own words; there when the request had no `request_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<AgentPayload>,
}

/// A job of kind `command` in the words of agents.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AgentPayload {
    pub job: AgentJob,
    pub trace: BTreeMap<String, String>,
}

/// The names are those of fields in Go.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AgentJob {
    #[serde(rename = "ID")]
    pub id: Uuid,
    /// The tenant's name where it is a UUID, else one that is made from it.
    #[serde(rename = "TenantID")]
    pub tenant_id: Uuid,
    pub name: String,
    pub image: String,
    pub command: Vec<String>,
    /// Seconds; 0 is none.
    pub default_timeout: u64,
    pub priority: i16,
    #[serde(rename = "CallbackURL")]
    pub callback_url: Option<String>,
    pub callback_headers: Option<BTreeMap<String, String>>,
    /// RFC 3339.
    pub created_at: String,
}

/// "I am still at work on it." The body may be empty.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Its job, which finds it sooner.
    pub job_id: Option<Uuid>,
    /// How far the work is; what was said before stands until something else is.
    pub progress: Option<Progress>,
}

/// How far work is, for people who wait: nothing depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// From 0 to 1; what is beyond is cut.
    #[schema(minimum = 0, maximum = 1)]
    pub fraction: Option<f64>,
    /// Up to 200 characters; what is beyond is cut.
    #[serde(default)]
    pub text: String,
}

/// What a heartbeat hears.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatAnswer {
    /// How long it is leased from now on.
    pub lease_ttl_ms: u64,
    /// Somebody called it off: stop.
    pub cancel: bool,
    /// Why, in the words of whoever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The worker shall take no more work, and hand back what does not finish soon.
    pub drain: bool,
}

/// "I am here, and still at work on all of these."
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatBatch {
    pub worker: Presence,
    #[serde(default)]
    pub executions: Vec<HeldExecution>,
}

/// Who a worker is, and what it serves.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// New for every start of the process.
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
    /// Its process is ending.
    #[serde(default)]
    pub draining: bool,
}

/// An execution, with its job.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldExecution {
    pub execution_id: Uuid,
    pub job_id: Uuid,
    /// How far the work is; what was said before stands until something else is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// What becomes of all of them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatBatchAnswer {
    pub held: Vec<StillHeld>,
    /// Stop: these are somebody else's, or nobody's.
    pub lost: Vec<Uuid>,
    /// `online`, `cordoned` (take no more) or `draining` (and hand back what does not finish soon).
    pub worker_state: String,
    /// How long what is held is leased from now on.
    pub lease_ttl_ms: u64,
}

/// An execution whose lease was extended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StillHeld {
    pub execution_id: Uuid,
    /// Somebody called it off, perhaps with a reason: stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<String>,
}

/// How an execution ended. It went well if `exit_code` is 0 or absent and `error` is empty; no more than one of `snooze`,
/// `timed_out`, `released` and `canceled` says that it was neither.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExecutionResult {
    pub exit_code: Option<i64>,
    pub error: Option<String>,
    /// What it produced.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Box<RawValue>>,
    /// Whether another try may go better; true unless said otherwise.
    pub retryable: Option<bool>,
    /// When to try again; as the job's retry policy says unless said otherwise.
    #[schema(value_type = Option<String>)]
    pub retry_after: Option<Span>,
    /// Not yet: ask again after this long. Spends no failure.
    #[schema(value_type = Option<String>)]
    pub snooze: Option<Span>,
    /// It took longer than it may.
    pub timed_out: bool,
    /// The worker is going away. Spends no failure.
    pub released: bool,
    /// It was called off, and stopped.
    pub canceled: bool,
    /// The jobs that begin now, in the shape of `POST /jobs`.
    #[schema(value_type = Vec<Object>)]
    pub next: Vec<Box<RawValue>>,
    /// Its job, which finds it sooner, and is needed to be recognised when it is sent again much later.
    pub job_id: Option<Uuid>,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ResultAnswer {
    /// The job's state now.
    pub state: String,
    /// It was recorded before: the first answer got lost.
    pub duplicate: bool,
}

/// "Take it back." The body may be empty.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub job_id: Option<Uuid>,
}

/// What an execution wrote: a text of lines, or lines, each perhaps with a stream of its own.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostLogs {
    pub content: Option<String>,
    pub lines: Vec<PostLine>,
    /// One word of up to 16 small letters; `stdout` unless said otherwise.
    pub stream: Option<String>,
    pub job_id: Option<Uuid>,
}

/// One line.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostLine {
    pub line: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
}

/// How many lines were kept; the others were too many.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LogsAnswer {
    pub kept: i64,
    pub dropped: i64,
}

/// Lines, oldest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Logs {
    pub logs: Vec<LogLine>,
}

/// One line that an execution wrote.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// `?after_id=` goes on from here.
    pub id: i64,
    pub execution_id: Uuid,
    pub content: String,
    /// `stdout`, `stderr`, or what the handler calls it; `provost` when the engine itself says something.
    pub stream: String,
    #[serde(serialize_with = "super::time::serialize", deserialize_with = "::time::serde::rfc3339::deserialize")]
    pub created_at: ::time::OffsetDateTime,
}
