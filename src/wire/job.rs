//! Jobs and their attempts.

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Event;
use super::internal::Progress;
use super::time::{serialize, serialize_option};

/// A unit of durable work.
#[derive(Debug, Serialize, ToSchema)]
pub struct Job {
    pub id: Uuid,
    #[schema(example = "email.send")]
    pub kind: String,
    pub queue: String,
    pub tenant: String,
    pub tags: Vec<String>,
    /// `scheduled`, `queued`, `blocked`, `active`, `completed`, `retrying`, `failed` or `canceled`.
    #[schema(example = "queued")]
    pub state: String,
    /// 0 to 9; 9 runs first.
    pub priority: i16,
    #[serde(serialize_with = "serialize")]
    pub run_at: OffsetDateTime,
    /// Byte for byte as it was enqueued.
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
    /// The result of the last attempt.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Box<RawValue>>,
    /// Why the last attempt did not succeed.
    pub error: Option<String>,
    /// Number of attempts so far; never decreases.
    pub attempt: i32,
    /// Failures counted against `max_attempts`.
    pub failures: i32,
    pub max_attempts: i32,
    /// Time limit of one attempt, in seconds.
    pub timeout_s: Option<f64>,
    /// When the job fails permanently if it has not finished.
    #[serde(serialize_with = "serialize_option")]
    pub deadline_at: Option<OffsetDateTime>,
    /// The job's own retry policy; null means the default.
    pub backoff: Option<BackoffPolicy>,
    pub project_id: Option<Uuid>,
    /// The job that this job is a copy or a follow-up of.
    pub origin_id: Option<Uuid>,
    /// How often the job was replayed from the dead letters.
    pub replays: i32,
    pub schema_version: Option<i32>,
    pub idempotency_key: Option<String>,
    pub workflow_id: Option<Uuid>,
    /// The job's name in its workflow.
    pub step: Option<String>,
    /// Number of dependencies that still block the job.
    pub waits_for: i32,
    /// The dependency whose outcome canceled the job.
    pub canceled_by: Option<Uuid>,
    /// The id of the latest attempt: the fencing token.
    pub execution_id: Option<Uuid>,
    pub worker_id: Option<String>,
    #[serde(serialize_with = "serialize_option")]
    pub lease_until: Option<OffsetDateTime>,
    /// Progress of the active attempt, if it reports any.
    pub progress: Option<Progress>,
    /// When cancellation of the active job was requested.
    #[serde(serialize_with = "serialize_option")]
    pub cancel_requested_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub updated_at: OffsetDateTime,
    #[serde(serialize_with = "serialize_option")]
    pub finished_at: Option<OffsetDateTime>,
}

/// A retry policy: how long a job waits after a failure.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackoffPolicy {
    /// `exponential`, `linear` or `fixed`.
    pub strategy: String,
    pub base_s: f64,
    pub max_s: f64,
    /// Full jitter: the delay is random, between zero and the computed delay.
    pub jitter: bool,
}

/// One leased attempt of a job.
#[derive(Debug, Serialize, ToSchema)]
pub struct Execution {
    /// The fencing token, required to settle the attempt.
    pub id: Uuid,
    pub job_id: Uuid,
    pub attempt: i32,
    pub worker_id: String,
    pub kind: String,
    pub queue: String,
    #[serde(serialize_with = "serialize")]
    pub claimed_at: OffsetDateTime,
    #[serde(serialize_with = "serialize_option")]
    pub ended_at: Option<OffsetDateTime>,
    pub duration_ms: Option<i64>,
    /// `completed`, `failed`, `timed_out`, `snoozed`, `released`, `lease_expired` or `canceled`.
    pub outcome: Option<String>,
    pub error: Option<String>,
    /// Progress, while the attempt runs and reports any.
    pub progress: Option<Progress>,
}

/// Why a job is in its state.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobExplanation {
    /// `finished`, `active`, `cancel_requested`, `lease_expired`, `not_due`, `retrying_later`, `blocked`, `paused`, `throttled`,
    /// `no_worker`, `no_free_slot`, `queued_behind_others` or `about_to_start`.
    #[schema(example = "throttled")]
    pub reason: String,
    /// The reason as a sentence.
    pub summary: String,
    /// When the reason was determined, by the database's clock.
    #[serde(serialize_with = "serialize")]
    pub at: OffsetDateTime,
    /// When the wait ends, if known.
    #[serde(serialize_with = "serialize_option")]
    pub until: Option<OffsetDateTime>,
    /// The limit that holds the job back.
    pub limit: Option<String>,
    /// Due jobs of the queue ahead of this one; 10,001 means more than 10,000.
    pub ahead: i64,
    /// Workers that serve the job's queue and kind.
    pub workers: i64,
    pub free_slots: i64,
    /// Actions that are possible now: `cancel`, `retry`, `run-again`, `prioritize`.
    pub possible: Vec<String>,
}

/// A job with its explanation, history and related jobs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inspection {
    pub job: Job,
    pub waiting: JobExplanation,
    /// Latest first, at most 100.
    pub executions: Vec<Execution>,
    /// Latest first, at most 100.
    pub events: Vec<Event>,
    /// Follow-ups and copies of the job, at most 100.
    pub followers: Vec<Job>,
}

/// Changes to an unfinished job.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchJob {
    /// 0 to 9; 9 runs first.
    #[schema(minimum = 0, maximum = 9)]
    pub priority: i64,
    /// Recorded with the event.
    pub reason: Option<String>,
    pub actor: Option<String>,
}
