//! Jobs, as everybody sees them.

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::explain::Waiting;
use super::time::{serialize, serialize_option};
use super::worker::Progress;

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
    /// 0 to 9; 9 is served first.
    pub priority: i16,
    #[serde(serialize_with = "serialize")]
    pub run_at: OffsetDateTime,
    /// Byte for byte as given.
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
    /// What the last execution answered.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Box<RawValue>>,
    /// Why the last execution did not do it.
    pub error: Option<String>,
    /// How often it was claimed; never goes down.
    pub attempt: i32,
    /// What was spent of `max_attempts`.
    pub failures: i32,
    pub max_attempts: i32,
    /// How long one execution may take, in seconds.
    pub timeout_s: Option<f64>,
    /// When the whole job is given up.
    #[serde(serialize_with = "serialize_option")]
    pub deadline_at: Option<OffsetDateTime>,
    /// Its own retry policy, if it has one.
    pub backoff: Option<BackoffPolicy>,
    pub project_id: Option<Uuid>,
    /// The job that this one is a copy of, or follows from.
    pub origin_id: Option<Uuid>,
    /// How often it was replayed from the dead letters.
    pub replays: i32,
    pub schema_version: Option<i32>,
    pub idempotency_key: Option<String>,
    /// The workflow that it is a step of, and what it is called there.
    pub workflow_id: Option<Uuid>,
    pub step: Option<String>,
    /// How many of its dependencies do not let it go yet.
    pub waits_for: i32,
    /// The dependency whose end canceled it.
    pub doomed_by: Option<Uuid>,
    /// Its latest execution: the fencing token.
    pub execution_id: Option<Uuid>,
    pub worker_id: Option<String>,
    #[serde(serialize_with = "serialize_option")]
    pub lease_until: Option<OffsetDateTime>,
    /// How far it is, while it is active and if it says so.
    pub progress: Option<Progress>,
    /// Somebody asked to cancel it while it was active.
    #[serde(serialize_with = "serialize_option")]
    pub cancel_requested_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub updated_at: OffsetDateTime,
    #[serde(serialize_with = "serialize_option")]
    pub finished_at: Option<OffsetDateTime>,
}

/// How long a job waits after a failure.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackoffPolicy {
    /// `exponential`, `linear` or `fixed`.
    pub strategy: String,
    pub base_s: f64,
    /// The longest wait.
    pub max_s: f64,
    /// Anywhere between nothing and the wait, so that what failed together does not come back together.
    pub jitter: bool,
}

/// One leased attempt at a job.
#[derive(Debug, Serialize, ToSchema)]
pub struct Execution {
    /// The fencing token: whoever settles must name it.
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
    /// How far it is, if it says so and has not ended.
    pub progress: Option<Progress>,
}

/// Everything about a job on one page.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inspection {
    pub job: Job,
    /// Why it waits, while it does.
    pub waiting: Waiting,
    /// Latest first, at most 100.
    pub executions: Vec<Execution>,
    /// Latest first, at most 100.
    pub events: Vec<super::Record>,
    /// Jobs that follow from it, and copies of it; at most 100.
    pub followers: Vec<Job>,
}

/// What became of one of many.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acted {
    /// How many were moved.
    pub moved: usize,
    /// Those that were not, and why.
    pub refused: Vec<Refused>,
    /// Whether there are more that match: ask again, with `after`.
    pub more: bool,
    /// The last one that was looked at, to go on behind it; null when there is no more.
    pub after: Option<Uuid>,
}

/// A job that stayed where it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refused {
    pub id: Uuid,
    /// In words.
    pub reason: String,
    pub current_status: Option<String>,
}

/// A group of dead letters that died of the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterGroup {
    pub kind: String,
    pub error: String,
    pub n: i64,
    #[serde(serialize_with = "serialize")]
    pub first_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub last_at: OffsetDateTime,
    pub example_id: Uuid,
}

/// What can be changed of a job that is not finished.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchJob {
    /// 0 to 9; 9 is served first.
    #[schema(minimum = 0, maximum = 9)]
    pub priority: i64,
    /// For the record.
    pub reason: Option<String>,
    pub actor: Option<String>,
}

/// Which jobs: those that are named, or all that match a filter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectJobs {
    #[serde(alias = "jobIds")]
    pub job_ids: Option<Vec<Uuid>>,
    /// Everything that is said must fit; `{}` is all.
    pub filter: Option<JobFilter>,
    /// For the record.
    pub reason: Option<String>,
    pub actor: Option<String>,
    /// How many at most, up to 10,000.
    pub limit: Option<usize>,
    /// With a filter: only those behind this one, as the answer before said. What was looked at once is not looked at again, even if it
    /// matches again.
    pub after: Option<Uuid>,
}

/// Everything that is said must fit.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobFilter {
    pub state: Option<String>,
    #[serde(alias = "type")]
    pub kind: Option<String>,
    pub queue: Option<String>,
    #[serde(alias = "tenantId")]
    pub tenant: Option<String>,
    pub tag: Option<String>,
    pub project: Option<Uuid>,
    /// Part of the error.
    pub error: Option<String>,
    /// Created since: RFC 3339, or so long ago, like `1h`.
    pub since: Option<String>,
    /// Created before, in the same words.
    pub before: Option<String>,
}

/// Which dead letters shall be tried again, and what changes for them; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayJobs {
    #[serde(alias = "jobIds")]
    pub job_ids: Option<Vec<Uuid>>,
    pub filter: Option<JobFilter>,
    pub reason: Option<String>,
    pub actor: Option<String>,
    /// How many at most, up to 10,000.
    pub limit: Option<usize>,
    /// With a filter: only those behind this one, as the answer before said.
    pub after: Option<Uuid>,
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Box<RawValue>>,
    #[serde(alias = "type", alias = "jobType")]
    pub kind: Option<String>,
    pub queue: Option<String>,
    #[schema(minimum = 0, maximum = 9)]
    pub priority: Option<i64>,
}
