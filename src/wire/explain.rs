//! Why a project is where it is.

use ::time::OffsetDateTime;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time::{serialize, serialize_option};

/// The exact reason, in a word for programs and a sentence for people.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    pub project_id: Uuid,
    #[schema(example = "creating")]
    pub status: String,
    /// `settled`, `working`, `queued_behind_others`, `no_free_slot`, `no_worker`, `retrying_later`, `lease_lapsed`,
    /// `about_to_start`, `past_deadline` or `no_job`.
    #[schema(example = "no_worker")]
    pub reason: String,
    /// The same in a sentence.
    pub summary: String,
    /// The database's clock.
    #[serde(serialize_with = "serialize")]
    pub at: OffsetDateTime,
    /// When the present operation was asked for.
    #[serde(serialize_with = "serialize")]
    pub since: OffsetDateTime,
    pub elapsed_ms: i64,
    #[serde(serialize_with = "serialize_option")]
    pub deadline_at: Option<OffsetDateTime>,
    /// What happens at the deadline, when there is one.
    pub then: Option<String>,
    /// What can be done now: `retry`, `delete`.
    pub possible: Vec<String>,
    pub job: Option<JobSummary>,
}

/// Why a job is where it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Waiting {
    /// `finished`, `active`, `cancel_requested`, `lease_lapsed`, `not_due`, `retrying_later`, `blocked`, `paused`, `throttled`,
    /// `no_worker`, `no_free_slot`, `queued_behind_others` or `about_to_start`.
    #[schema(example = "throttled")]
    pub reason: String,
    /// The same in a sentence.
    pub summary: String,
    /// The database's clock.
    #[serde(serialize_with = "serialize")]
    pub at: OffsetDateTime,
    /// When that is over, as far as it can be known.
    #[serde(serialize_with = "serialize_option")]
    pub until: Option<OffsetDateTime>,
    /// The limit that holds it back.
    pub limit: Option<String>,
    /// How many due jobs of its queue are served before it; 10,001 means more than ten thousand.
    pub ahead: i64,
    /// How many workers serve its queue and kind.
    pub workers: i64,
    pub free_slots: i64,
    /// What can be done now: `cancel`, `retry`, `run-again`, `prioritise`.
    pub possible: Vec<String>,
}

/// The unfinished job of a project.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobSummary {
    pub id: Uuid,
    #[schema(example = "project.provision")]
    pub kind: String,
    pub queue: String,
    #[schema(example = "queued")]
    pub state: String,
    pub attempt: i32,
    pub failures: i32,
    pub max_attempts: i32,
    #[serde(serialize_with = "serialize")]
    pub run_at: OffsetDateTime,
    pub execution_id: Option<Uuid>,
    pub worker_id: Option<String>,
    #[serde(serialize_with = "serialize_option")]
    pub lease_until: Option<OffsetDateTime>,
    /// How many due jobs are served before this one.
    pub ahead: i64,
    /// How many workers serve its queue and kind.
    pub workers: i64,
    pub error: Option<String>,
}
