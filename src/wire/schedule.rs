//! Schedules: what starts by itself, when, and what became of it.

use std::collections::BTreeMap;

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::create_job::CreateJob;
use super::job::BackoffPolicy;
use super::span::Span;
use super::time::{serialize, serialize_option};
use super::workflow::CreateWorkflow;

/// A schedule.
#[derive(Debug, Serialize, ToSchema)]
pub struct Schedule {
    pub id: Uuid,
    #[schema(example = "nightly-report")]
    pub name: String,
    /// `enabled` or `paused`; `unreadable` when another version put it and this one cannot read it.
    #[schema(example = "enabled")]
    pub state: String,
    /// Cron of five or six fields, `@daily` and the like, or `@every` and a duration.
    #[schema(example = "0 8 * * 1-5")]
    pub expression: String,
    /// The same in words.
    #[schema(example = "At 08:00, on weekdays (Europe/Rome)")]
    pub words: String,
    /// Whose wall clock cron means.
    #[schema(example = "Europe/Rome")]
    pub time_zone: String,
    /// `skip`, `latest` or `all`: what to do about due times that nobody could serve in time.
    #[schema(example = "latest")]
    pub misfire: String,
    /// How many due times `all` makes up for.
    pub catch_up: u32,
    /// What is late by less than this was not missed.
    pub misfire_grace_s: f64,
    /// `allow` or `skip`: what to do while something that it started is not finished.
    #[schema(example = "allow")]
    pub overlap: String,
    /// By less than this a job may start later than its due time.
    pub jitter_s: f64,
    /// Null when it is unreadable.
    pub target: Option<Target>,
    /// The due time that it waits for; null when it is paused or unreadable.
    #[serde(serialize_with = "serialize_option")]
    pub next_at: Option<OffsetDateTime>,
    /// The due time of its latest start.
    #[serde(serialize_with = "serialize_option")]
    pub last_at: Option<OffsetDateTime>,
    /// Goes up with every edit; the `ETag` holds it.
    pub version: i64,
    /// Why it was last edited, and by whom.
    pub reason: Option<String>,
    pub actor: String,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub updated_at: OffsetDateTime,
}

/// What a schedule starts: exactly one of these.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Job(Box<JobTarget>),
    Project(ProjectTarget),
    Workflow(WorkflowTarget),
}

/// A job as a schedule enqueues it. `{{due_at}}` in its payload becomes the due time.
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

/// What happens to a project.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectTarget {
    /// `create`, `retry` or `delete`.
    #[schema(example = "create")]
    pub action: String,
    /// Which project is retried or deleted.
    pub project_id: Option<Uuid>,
    /// What a new one is called; `{{due_at}}` becomes the due time.
    pub name: Option<String>,
    pub template: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Box<RawValue>>,
    pub labels: Option<BTreeMap<String, String>>,
}

/// A workflow as a schedule starts it. `{{due_at}}` in its name and in the payloads of its steps becomes the due time.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkflowTarget {
    #[schema(example = "nightly-import")]
    pub name: String,
    pub tenant: String,
    /// As they were named.
    pub steps: Vec<StepTarget>,
}

/// A step of it.
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
    /// Not before so long after the workflow was started.
    pub delay_s: Option<f64>,
    pub max_attempts: u32,
    pub timeout_s: Option<f64>,
    pub backoff: Option<BackoffPolicy>,
    pub schema_version: Option<i32>,
}

/// A step that has to end first, and what becomes of the one that waits when it does not complete.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkTarget {
    #[schema(example = "fetch")]
    pub step: String,
    /// `block`, `allow_failed` or `cancel`.
    #[schema(example = "block")]
    pub policy: String,
}

/// A schedule that shall be, or what shall be changed of one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSchedule {
    /// 1 to 200 visible characters. Needed to make one; the same name again replaces it. Left out in a PATCH.
    #[schema(example = "nightly-report")]
    pub name: Option<String>,
    /// Cron of five or six fields (the second first), `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, or `@every 15m`.
    #[serde(alias = "expression", alias = "cron_expression", alias = "cronExpression")]
    #[schema(example = "0 8 * * 1-5")]
    pub cron: Option<String>,
    /// Instead of `cron`: every so often, in time that really passes.
    #[schema(value_type = Option<String>, example = "15m")]
    pub every: Option<Span>,
    /// The IANA zone whose wall clock cron means; `UTC` unless said otherwise.
    #[serde(alias = "timezone", alias = "timeZone")]
    #[schema(example = "Europe/Rome")]
    pub time_zone: Option<String>,
    /// `skip`, `latest` (unless said otherwise) or `all`.
    #[schema(example = "latest")]
    pub misfire: Option<String>,
    /// How many due times `all` makes up for; 10 unless said otherwise.
    #[schema(minimum = 0, maximum = 1000)]
    pub catch_up: Option<i64>,
    /// What is late by less than this was not missed; one minute unless said otherwise.
    #[serde(alias = "misfire_grace_s")]
    #[schema(value_type = Option<String>, example = "1m")]
    pub misfire_grace: Option<Span>,
    /// `allow` (unless said otherwise) or `skip`.
    #[schema(example = "skip")]
    pub overlap: Option<String>,
    /// By less than this a job may start later than its due time; nothing unless said otherwise.
    #[serde(alias = "jitter_s")]
    #[schema(value_type = Option<String>, example = "30s")]
    pub jitter: Option<Span>,
    /// Whether it starts what is due; true unless said otherwise.
    pub enabled: Option<bool>,
    pub target: Option<PutTarget>,
    /// Instead of `target`: the kind of a job, with the fields below.
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
    pub timeout: Option<Span>,
    #[serde(alias = "tenant_id", alias = "tenantId")]
    pub tenant: Option<String>,
    /// For the record.
    pub reason: Option<String>,
    pub actor: Option<String>,
}

/// What a schedule shall start: exactly one of these.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PutTarget {
    /// A job, as in `POST /jobs`, but without a moment and a key of its own.
    Job(Box<CreateJob>),
    Project(PutProject),
    /// A workflow, as in `POST /workflows`, but without moments of its own; at most 1,000 steps, 5,000 dependencies, and 256 KiB of names,
    /// tags and payloads.
    #[schema(value_type = CreateWorkflow)]
    Workflow(Box<RawValue>),
}

/// What shall happen to a project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutProject {
    /// `create`, `retry` or `delete`.
    #[schema(example = "create")]
    pub action: String,
    /// Which project is retried or deleted.
    pub project_id: Option<Uuid>,
    /// What a new one is called.
    pub name: Option<String>,
    pub template: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Box<RawValue>>,
    pub labels: Option<BTreeMap<String, String>>,
}

/// An expression to look at before it is used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewSchedule {
    #[serde(alias = "expression", alias = "cron_expression", alias = "cronExpression")]
    #[schema(example = "0 8 * * 1-5")]
    pub cron: Option<String>,
    #[schema(value_type = Option<String>, example = "15m")]
    pub every: Option<Span>,
    #[serde(alias = "timezone", alias = "timeZone")]
    #[schema(example = "Europe/Rome")]
    pub time_zone: Option<String>,
    /// How many due times, 1 to 100; 10 unless said otherwise.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// After this moment (RFC 3339); now unless said otherwise.
    pub after: Option<String>,
}

/// When something is due.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    pub expression: String,
    /// The same in words.
    pub words: String,
    pub time_zone: String,
    /// Which edition of the time zone database says so.
    #[schema(example = "2026a")]
    pub tzdb: Option<&'static str>,
    /// The last due time before.
    pub previous: Option<Occurrence>,
    /// The due times after.
    pub next: Vec<Occurrence>,
}

/// A due time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Occurrence {
    #[serde(serialize_with = "serialize")]
    pub at: OffsetDateTime,
    /// What the wall clock of its zone shows then.
    #[schema(example = "2026-03-29 03:00:00")]
    pub local: String,
    #[schema(example = "+02:00")]
    pub offset: String,
    #[schema(example = "CEST")]
    pub abbreviation: String,
    /// What a change of the clocks does to it.
    pub note: Option<String>,
}

/// What became of a due time, or of several in a row that were left out together.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tick {
    pub id: i64,
    /// Of several, the last.
    #[serde(serialize_with = "serialize")]
    pub due_at: OffsetDateTime,
    /// Of several, the first.
    #[serde(serialize_with = "serialize")]
    pub since: OffsetDateTime,
    /// How many.
    pub n: i64,
    /// `due`, `manual` or `backfill`.
    #[schema(example = "due")]
    pub cause: String,
    /// `fired` or `skipped`.
    #[schema(example = "fired")]
    pub outcome: String,
    /// Why it was skipped, or asked for.
    pub reason: Option<String>,
    pub job_id: Option<Uuid>,
    /// Where the job is now; null when it is not kept any more.
    pub job_state: Option<String>,
    /// The workflow that it started, in place of a job.
    pub workflow_id: Option<Uuid>,
    /// Where the workflow is now; null when it is not kept any more.
    pub workflow_state: Option<String>,
    pub project_id: Option<Uuid>,
    pub actor: String,
    #[serde(serialize_with = "serialize")]
    pub occurred_at: OffsetDateTime,
}

/// A span of time whose due times shall be made up for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    /// From this moment on (RFC 3339).
    #[schema(example = "2026-01-01T00:00:00Z")]
    pub from: String,
    /// Up to and with this moment, which has passed.
    #[schema(example = "2026-01-02T00:00:00Z")]
    pub to: String,
    /// Only tell what would be started.
    #[serde(default, alias = "dryRun")]
    pub dry_run: bool,
    /// For the record.
    pub reason: Option<String>,
    pub actor: Option<String>,
}

/// What a backfill starts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Backfilled {
    pub dry_run: bool,
    /// How many are, or would be, started.
    pub started: usize,
    /// How many due times of the span started something before, and do not again.
    pub already: usize,
    /// How many could not be started; the ticks say why.
    pub left_out: usize,
    /// The due times that are, or would be, started.
    pub due: Vec<Occurrence>,
}
