//! Schedules.

use std::collections::BTreeMap;

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::create_job::CreateJob;
use super::duration::HumanDuration;
use super::job::BackoffPolicy;
use super::time::{serialize, serialize_option};
use super::workflow::CreateWorkflow;

/// A schedule.
#[derive(Debug, Serialize, ToSchema)]
pub struct Schedule {
    pub id: Uuid,
    #[schema(example = "nightly-report")]
    pub name: String,
    /// `enabled` or `paused`; `unreadable` if another version wrote the schedule and this version cannot read it.
    #[schema(example = "enabled")]
    pub state: String,
    /// Cron with five or six fields, a shortcut like `@daily`, or `@every` with a duration.
    #[schema(example = "0 8 * * 1-5")]
    pub expression: String,
    /// The expression in words.
    #[schema(example = "At 08:00, on weekdays (Europe/Rome)")]
    pub words: String,
    /// Time zone of the cron expression.
    #[schema(example = "Europe/Rome")]
    pub time_zone: String,
    /// `skip`, `latest` or `all`: what to start after due times were missed.
    #[schema(example = "latest")]
    pub misfire: String,
    /// Maximum number of missed due times that `all` starts.
    pub catch_up: u32,
    /// A start that is late by less than this is not a misfire.
    pub misfire_grace_s: f64,
    /// `allow` or `skip`: what to do if the previous run is still unfinished.
    #[schema(example = "allow")]
    pub overlap: String,
    /// Maximum random delay after the due time.
    pub jitter_s: f64,
    /// Null if the schedule is unreadable.
    pub target: Option<Target>,
    /// The next due time; null if the schedule is paused or unreadable.
    #[serde(serialize_with = "serialize_option")]
    pub next_at: Option<OffsetDateTime>,
    /// The latest due time that was started.
    #[serde(serialize_with = "serialize_option")]
    pub last_at: Option<OffsetDateTime>,
    /// Increases with every change; the `ETag` contains it.
    pub version: i64,
    /// Why the schedule was last changed.
    pub reason: Option<String>,
    /// Who last changed the schedule.
    pub actor: String,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub updated_at: OffsetDateTime,
}

/// What a schedule starts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Job(Box<JobTarget>),
    Project(ProjectTarget),
    Workflow(WorkflowTarget),
}

/// A job to enqueue. `{{due_at}}` in the payload is replaced by the due time.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobTarget {
    #[schema(example = "report.generate")]
    pub kind: String,
    pub queue: String,
    pub tenant: String,
    pub tags: Vec<String>,
    pub priority: i16,
    /// Byte for byte as given.
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
    pub max_attempts: u32,
    pub timeout_s: Option<f64>,
    pub backoff: Option<BackoffPolicy>,
    pub schema_version: Option<i32>,
}

/// An action on a project.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectTarget {
    /// `create`, `retry` or `delete`.
    #[schema(example = "create")]
    pub action: String,
    /// The project to retry or delete.
    pub project_id: Option<Uuid>,
    /// Name of the project to create. `{{due_at}}` is replaced by the due time.
    pub name: Option<String>,
    pub template: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Box<RawValue>>,
    pub labels: Option<BTreeMap<String, String>>,
}

/// A workflow to start. `{{due_at}}` in its name and in the payloads of its steps is replaced by the due time.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkflowTarget {
    #[schema(example = "nightly-import")]
    pub name: String,
    pub tenant: String,
    pub steps: Vec<StepTarget>,
}

/// A step of a workflow target.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepTarget {
    #[schema(example = "resize")]
    pub name: String,
    pub depends_on: Vec<LinkTarget>,
    #[schema(example = "image.thumbnail")]
    pub kind: String,
    pub queue: String,
    pub tags: Vec<String>,
    pub priority: i16,
    /// Byte for byte as given.
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
    /// Delay after the start of the workflow.
    pub delay_s: Option<f64>,
    pub max_attempts: u32,
    pub timeout_s: Option<f64>,
    pub backoff: Option<BackoffPolicy>,
    pub schema_version: Option<i32>,
}

/// A dependency on another step, and what happens if that step does not complete.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkTarget {
    #[schema(example = "fetch")]
    pub step: String,
    /// `block`, `allow_failed` or `cancel`.
    #[schema(example = "block")]
    pub policy: String,
}

/// A schedule to create or replace, or changes to a schedule.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSchedule {
    /// 1 to 200 visible characters. Required to create a schedule; an existing schedule with this name is replaced. Omit in a PATCH.
    #[schema(example = "nightly-report")]
    pub name: Option<String>,
    /// Cron with five fields, or six with seconds first; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, or `@every 15m`.
    #[serde(alias = "expression", alias = "cron_expression", alias = "cronExpression")]
    #[schema(example = "0 8 * * 1-5")]
    pub cron: Option<String>,
    /// Fixed interval in elapsed time, instead of `cron`.
    #[schema(value_type = Option<String>, example = "15m")]
    pub every: Option<HumanDuration>,
    /// IANA time zone of the cron expression. Default: `UTC`.
    #[serde(alias = "timezone", alias = "timeZone")]
    #[schema(example = "Europe/Rome")]
    pub time_zone: Option<String>,
    /// `skip`, `latest` (the default) or `all`.
    #[schema(example = "latest")]
    pub misfire: Option<String>,
    /// Maximum number of missed due times that `all` starts. Default: 10.
    #[schema(minimum = 0, maximum = 1000)]
    pub catch_up: Option<i64>,
    /// A start that is late by less than this is not a misfire. Default: one minute.
    #[serde(alias = "misfire_grace_s")]
    #[schema(value_type = Option<String>, example = "1m")]
    pub misfire_grace: Option<HumanDuration>,
    /// `allow` (the default) or `skip`.
    #[schema(example = "skip")]
    pub overlap: Option<String>,
    /// Maximum random delay after the due time. Default: none.
    #[serde(alias = "jitter_s")]
    #[schema(value_type = Option<String>, example = "30s")]
    pub jitter: Option<HumanDuration>,
    /// Whether due times are started. Default: true.
    pub enabled: Option<bool>,
    pub target: Option<PutTarget>,
    /// Kind of the job to enqueue, with the fields below, instead of `target`.
    #[serde(alias = "type")]
    pub kind: Option<String>,
    pub queue: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Box<RawValue>>,
    pub priority: Option<i64>,
    #[serde(alias = "maxAttempts")]
    pub max_attempts: Option<i64>,
    #[serde(alias = "timeout_s", alias = "timeout_seconds", alias = "timeoutSeconds")]
    #[schema(value_type = Option<String>)]
    pub timeout: Option<HumanDuration>,
    #[serde(alias = "tenant_id", alias = "tenantId")]
    pub tenant: Option<String>,
    /// Recorded with the event.
    pub reason: Option<String>,
    pub actor: Option<String>,
}

/// What a schedule starts: exactly one of these.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PutTarget {
    /// A job as in `POST /jobs`, without times and idempotency key.
    Job(Box<CreateJob>),
    Project(PutProject),
    /// A workflow as in `POST /workflows`, without absolute times: at most 1,000 steps, 5,000 dependencies, and 256 KiB of names,
    /// tags and payloads.
    #[schema(value_type = CreateWorkflow)]
    Workflow(Box<RawValue>),
}

/// An action on a project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutProject {
    /// `create`, `retry` or `delete`.
    #[schema(example = "create")]
    pub action: String,
    /// The project to retry or delete.
    pub project_id: Option<Uuid>,
    /// Name of the project to create.
    pub name: Option<String>,
    pub template: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Box<RawValue>>,
    pub labels: Option<BTreeMap<String, String>>,
}

/// An expression to preview.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewSchedule {
    #[serde(alias = "expression", alias = "cron_expression", alias = "cronExpression")]
    #[schema(example = "0 8 * * 1-5")]
    pub cron: Option<String>,
    #[schema(value_type = Option<String>, example = "15m")]
    pub every: Option<HumanDuration>,
    #[serde(alias = "timezone", alias = "timeZone")]
    #[schema(example = "Europe/Rome")]
    pub time_zone: Option<String>,
    /// Number of due times, 1 to 100. Default: 10.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// Start of the preview (RFC 3339). Default: now.
    pub after: Option<String>,
}

/// Due times of an expression.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    pub expression: String,
    /// The expression in words.
    pub words: String,
    pub time_zone: String,
    /// Version of the time zone database.
    #[schema(example = "2026a")]
    pub tzdb: Option<&'static str>,
    /// The last due time before the start of the preview.
    pub previous: Option<Occurrence>,
    /// The due times that follow.
    pub next: Vec<Occurrence>,
}

/// A due time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Occurrence {
    #[serde(serialize_with = "serialize")]
    pub at: OffsetDateTime,
    /// Local time in the schedule's zone.
    #[schema(example = "2026-03-29 03:00:00")]
    pub local: String,
    #[schema(example = "+02:00")]
    pub offset: String,
    #[schema(example = "CEST")]
    pub abbreviation: String,
    /// How a daylight saving change affects this due time.
    pub note: Option<String>,
}

/// The outcome of one due time, or of consecutive due times that were skipped together.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tick {
    pub id: i64,
    /// The due time; the last one if there are several.
    #[serde(serialize_with = "serialize")]
    pub due_at: OffsetDateTime,
    /// The first due time.
    #[serde(serialize_with = "serialize")]
    pub since: OffsetDateTime,
    /// Number of due times.
    pub n: i64,
    /// `due`, `manual` or `backfill`.
    #[schema(example = "due")]
    pub cause: String,
    /// `fired` or `skipped`.
    #[schema(example = "fired")]
    pub outcome: String,
    /// Why the due time was skipped, or why the run was requested.
    pub reason: Option<String>,
    pub job_id: Option<Uuid>,
    /// Current state of the job; null after retention has removed it.
    pub job_state: Option<String>,
    /// The workflow that was started instead of a job.
    pub workflow_id: Option<Uuid>,
    /// Current state of the workflow; null after retention has removed it.
    pub workflow_state: Option<String>,
    pub project_id: Option<Uuid>,
    pub actor: String,
    #[serde(serialize_with = "serialize")]
    pub occurred_at: OffsetDateTime,
}

/// A past window whose due times are to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    /// Start of the window, inclusive (RFC 3339).
    #[schema(example = "2026-01-01T00:00:00Z")]
    pub from: String,
    /// End of the window, inclusive; must be in the past.
    #[schema(example = "2026-01-02T00:00:00Z")]
    pub to: String,
    /// Report the due times without starting them.
    #[serde(default, alias = "dryRun")]
    pub dry_run: bool,
    /// Recorded with the event.
    pub reason: Option<String>,
    pub actor: Option<String>,
}

/// The outcome of a backfill.
#[derive(Debug, Serialize, ToSchema)]
pub struct Backfilled {
    pub dry_run: bool,
    /// Number of due times that were, or would be, started.
    pub started: usize,
    /// Due times in the window that were already started.
    pub already: usize,
    /// Due times that could not be started; the ticks contain the reasons.
    pub left_out: usize,
    /// Due times that were, or would be, started.
    pub due: Vec<Occurrence>,
}
