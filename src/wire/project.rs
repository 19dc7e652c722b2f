//! Projects.

use std::collections::BTreeMap;

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::duration::HumanDuration;
use super::time::{serialize, serialize_option};

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub struct Project {
    pub id: Uuid,
    #[schema(example = "my-project")]
    pub name: String,
    /// `creating`, `provisioning`, `ready`, `failed`, `updating`, `pausing`, `paused`, `resuming`, `deleting`, `pending_deletion`,
    /// `restoring` or `deleted`.
    #[schema(example = "creating")]
    pub status: String,
    /// Why the project failed; null in every other status.
    pub error_reason: Option<String>,
    #[schema(example = "simulated")]
    pub template: String,
    /// The version of the template that the project was made with.
    pub template_version: i32,
    /// The project of which this one is a clone. Null: none.
    pub source_id: Option<Uuid>,
    /// Byte for byte as given.
    #[schema(value_type = Object)]
    pub parameters: Box<RawValue>,
    pub labels: BTreeMap<String, String>,
    /// Increases with every change; the `ETag` contains it.
    pub version: i64,
    /// The operation in progress, or else the last one: `create`, `clone`, `adopt`, `update`, `rotate`, `pause`, `resume`,
    /// `retire` (the first part of a deletion with a grace time), `restore` or `delete`.
    pub operation: String,
    /// Why the last operation failed: `operation`, `step`, `code`, `message`, `retryable`, `usable` (whether the project still works; null if that
    /// is not known),
    /// and the steps that were `kept` and `undone`. Null if it did not fail.
    #[schema(value_type = Option<Object>)]
    pub failure: Option<Box<RawValue>>,
    /// Whether deletion is refused.
    pub protected: bool,
    /// What the operation in progress was asked to stop for: `cancel` or `delete`.
    pub stop_request: Option<String>,
    /// The tenant of its jobs.
    pub tenant: String,
    /// The queue of its jobs.
    pub queue: String,
    /// The priority of its jobs, 0 to 9; 9 runs first.
    pub priority: i16,
    /// How long each operation may take, in seconds. Null: as the template says.
    pub operation_deadline_s: Option<f64>,
    /// When the project is deleted. Null: never.
    #[serde(serialize_with = "serialize_option")]
    pub expires_at: Option<OffsetDateTime>,
    /// Until when a deleted project can be brought back.
    #[serde(serialize_with = "serialize_option")]
    pub delete_after: Option<OffsetDateTime>,
    /// Whether what it consists of works: `healthy`, `unhealthy` or `unknown`.
    #[schema(example = "healthy")]
    pub health: String,
    /// What is known beside the status: `type` (`healthy`, `in_sync` or `as_requested`), `status` (`true`, `false` or `unknown`),
    /// `reason`, `message` and `since`.
    #[schema(value_type = Vec<Object>)]
    pub conditions: Box<RawValue>,
    /// When what exists was last looked at.
    #[serde(serialize_with = "serialize_option")]
    pub observed_at: Option<OffsetDateTime>,
    /// When the operation in progress fails, if it has not finished.
    #[serde(serialize_with = "serialize_option")]
    pub deadline_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub updated_at: OffsetDateTime,
}

/// A project to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProject {
    /// 1 to 255 characters. Surrounding spaces are removed; control characters are rejected.
    #[schema(example = "my-project", min_length = 1, max_length = 255)]
    pub name: String,
    /// Default: `simulated`.
    #[schema(example = "simulated")]
    pub template: Option<String>,
    /// Parameters of the template: a JSON object up to 64 KiB that satisfies the schema of the template, kept byte for byte.
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Box<RawValue>>,
    /// Up to 32 labels to filter by.
    pub labels: Option<BTreeMap<String, String>>,
    /// The tenant of its jobs. Default: `default`.
    pub tenant: Option<String>,
    /// The queue of its jobs. Default: that of the template, or `default`.
    pub queue: Option<String>,
    /// The priority of its jobs, 0 to 9; 9 runs first. Default: 5.
    #[schema(minimum = 0, maximum = 9)]
    pub priority: Option<i64>,
    /// How long each operation may take: seconds, or a duration like `10m`. Default: as the template says.
    #[schema(value_type = Option<String>, example = "10m")]
    pub deadline: Option<HumanDuration>,
    /// When the project is deleted (RFC 3339). An event announces this 24 hours before.
    pub expires_at: Option<String>,
    /// The same as a duration from now, like `7d`.
    #[schema(value_type = Option<String>, example = "7d")]
    pub expires_in: Option<HumanDuration>,
}

/// A project as it is to be. Everything else is set when it is created, or changed with PATCH.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyProject {
    /// Default: `simulated`, or that of the existing project, which cannot be changed.
    #[schema(example = "postgres")]
    pub template: Option<String>,
    /// Parameters of the template. Omitted: an existing project keeps its parameters, and a new one has `{}`.
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Box<RawValue>>,
    /// Replaces all labels. Omitted: an existing project keeps its labels.
    pub labels: Option<BTreeMap<String, String>>,
}

/// By how much a project expires later.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendProject {
    /// Seconds, or a duration like `7d`.
    #[schema(value_type = String, example = "7d")]
    pub by: HumanDuration,
}

/// Changes to a project. Omitted fields keep their values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchProject {
    #[schema(min_length = 1, max_length = 255)]
    pub name: Option<String>,
    /// Replaces all labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether deletion is refused.
    pub protected: Option<bool>,
    /// When the project is deleted (RFC 3339); null: never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Option<String>>,
    /// New parameters, which replace all parameters: the project is updated, which must be ready for that.
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Box<RawValue>>,
}

/// Tells null, which is a value, from a field that is missing.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Who makes a change and why, recorded with the event. The body may be empty.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Up to 500 characters.
    #[schema(max_length = 500, example = "the quota was raised")]
    pub reason: Option<String>,
    /// Up to 100 characters. Default: `api`.
    #[schema(max_length = 100, example = "maria")]
    pub actor: Option<String>,
}

/// One state change of a project.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectEvent {
    /// Increases over time.
    pub id: i64,
    pub project_id: Uuid,
    /// `none` when the project was created.
    #[schema(example = "creating")]
    pub previous_state: String,
    #[schema(example = "provisioning")]
    pub new_state: String,
    pub reason: Option<String>,
    /// `api`, `dashboard`, a worker's id, `reaper`, `deadlines`, `expiry` or `observer`.
    pub actor: String,
    /// The job that made the change.
    pub job_id: Option<Uuid>,
    pub execution_id: Option<Uuid>,
    pub request_id: Option<String>,
    #[serde(serialize_with = "serialize")]
    pub occurred_at: OffsetDateTime,
}

/// Why a project is in its status.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectExplanation {
    pub project_id: Uuid,
    #[schema(example = "creating")]
    pub status: String,
    /// `settled`, `working`, `queued_behind_others`, `no_free_slot`, `no_worker`, `retrying_later`, `waiting_for_outage`, `lease_expired`,
    /// `about_to_start`, `past_deadline` or `no_job`.
    #[schema(example = "no_worker")]
    pub reason: String,
    /// The reason as a sentence.
    pub summary: String,
    /// When the reason was determined, by the database's clock.
    #[serde(serialize_with = "serialize")]
    pub at: OffsetDateTime,
    /// When the current operation was requested.
    #[serde(serialize_with = "serialize")]
    pub since: OffsetDateTime,
    pub elapsed_ms: i64,
    #[serde(serialize_with = "serialize_option")]
    pub deadline_at: Option<OffsetDateTime>,
    /// What happens at the deadline.
    pub then: Option<String>,
    /// Actions that are possible now: `retry`, `undo`, `skip`, `update`, `rotate`, `pause`, `resume`, `cancel`, `delete`, `undelete`.
    pub possible: Vec<String>,
    pub job: Option<JobSummary>,
    /// The steps of the latest operation, in order.
    pub steps: Vec<ProjectStep>,
}

/// An operation on a project, with its steps.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectOperation {
    /// The job that performs it.
    pub job_id: Uuid,
    #[schema(example = "create")]
    pub operation: String,
    /// The state of the job.
    #[schema(example = "completed")]
    pub state: String,
    pub attempt: i32,
    pub error: Option<String>,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
    #[serde(serialize_with = "serialize_option")]
    pub finished_at: Option<OffsetDateTime>,
    pub steps: Vec<ProjectStep>,
}

/// A step of an operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectStep {
    /// From 0, in the order of execution.
    pub position: i32,
    #[schema(example = "database")]
    pub name: String,
    /// `running`, `done`, `failed`, `undoing`, `undone`, `undo_failed` or `skipped`.
    #[schema(example = "done")]
    pub state: String,
    /// How often it has been started.
    pub attempt: i32,
    #[serde(serialize_with = "serialize")]
    pub started_at: OffsetDateTime,
    #[serde(serialize_with = "serialize_option")]
    pub ended_at: Option<OffsetDateTime>,
    pub duration_ms: Option<i64>,
    /// A short name of the failure.
    pub code: Option<String>,
    pub error: Option<String>,
    pub retryable: Option<bool>,
    /// What it produced.
    #[schema(value_type = Option<Object>)]
    pub output: Option<Box<RawValue>>,
    pub execution_id: Uuid,
}

/// How to reach what the project consists of. The outputs are public, everything else is secret.
#[derive(Serialize, ToSchema)]
pub struct Access {
    /// What the provisioner published, such as `host`, `port`, `database` and `user`.
    #[schema(value_type = Object)]
    pub outputs: BTreeMap<String, Box<RawValue>>,
    /// The secrets of a project without a database, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    pub password: Option<String>,
    /// A URL with the password.
    #[schema(example = "postgres://user:password@host:5432/database")]
    pub uri: Option<String>,
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
    /// Due jobs ahead of this one.
    pub ahead: i64,
    /// Workers that serve the job's queue and kind.
    pub workers: i64,
    pub error: Option<String>,
}
