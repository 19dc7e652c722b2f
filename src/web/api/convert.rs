//! From rows to JSON, and from JSON to what the store understands.

use serde_json::value::RawValue;

use crate::web::error::ApiError;
use crate::web::middleware::request_id;

use crate::domain::new_job::TOP_PRIORITY;
use crate::domain::{Backoff, Ident, Labels, NewJob, Parameters, Progress, ProjectName, moment};
use crate::store::events;
use crate::store::jobs::{Execution, Job};
use crate::store::projects::{Audit, Event, Project, WaitingJob};
use crate::wire::create_job::CreateBackoff;
use crate::wire::duration::HumanDuration;
use crate::wire::json::{raw, storable};
use crate::wire::{self, CreateJob};

/// How the API calls itself in the record.
pub const API: &str = "api";

/// The most characters that a reason may have.
const MAX_REASON: usize = 500;
/// The most characters of an actor's name.
const MAX_ACTOR: usize = 100;

impl From<Project> for wire::Project {
    fn from(row: Project) -> Self {
        Self {
            id: row.id,
            name: row.name,
            status: row.status.to_string(),
            error_reason: row.error_reason,
            template: row.template,
            parameters: raw(row.parameters),
            labels: row.labels,
            version: row.version,
            deadline_at: row.deadline_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Event> for wire::ProjectEvent {
    fn from(row: Event) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            previous_state: row.previous_state,
            new_state: row.new_state,
            reason: row.reason,
            actor: row.actor,
            job_id: row.job_id,
            execution_id: row.execution_id,
            request_id: row.request_id,
            occurred_at: row.occurred_at,
        }
    }
}

impl From<WaitingJob> for wire::JobSummary {
    fn from(row: WaitingJob) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            queue: row.queue,
            state: row.state.to_string(),
            attempt: row.attempt,
            failures: row.failures,
            max_attempts: row.max_attempts,
            run_at: row.run_at,
            execution_id: row.execution_id,
            worker_id: row.worker_id,
            lease_until: row.lease_until,
            ahead: row.ahead,
            workers: row.workers,
            error: row.error,
        }
    }
}

/// `name`.
pub fn name(text: &str) -> Result<ProjectName, ApiError> {
    ProjectName::parse(text).map_err(|error| ApiError::field("name", error))
}

/// `template`: one of ours, or the first of them.
pub fn template(wanted: Option<String>, known: &[String]) -> Result<String, ApiError> {
    match wanted {
        Some(name) if known.contains(&name) => Ok(name),
        Some(_) => Err(ApiError::field("template", format!("is not known; known are: {}", known.join(", ")))),
        None => Ok(known.first().cloned().unwrap_or_default()),
    }
}

/// `parameters`.
pub fn parameters(json: Option<Box<RawValue>>) -> Result<Parameters, ApiError> {
    let Some(json) = json else { return Ok(Parameters::default()) };
    // The shape first: what is too deep must not be walked by a parser that recurses.
    let parameters = Parameters::parse(json.get()).map_err(|error| ApiError::field("parameters", error))?;
    storable(json.get()).map_err(|why| ApiError::field("parameters", why))?;
    Ok(parameters)
}

/// `labels`.
pub fn labels(map: std::collections::BTreeMap<String, String>) -> Result<Labels, ApiError> {
    Labels::parse(map).map_err(|error| ApiError::field("labels", error))
}

/// Who asks, for the record: `actor` unless the caller names somebody.
pub fn audit(actor: &str, reason: Option<String>) -> Result<Audit, ApiError> {
    let reason = remark("reason", reason, MAX_REASON)?;
    Ok(Audit { actor: actor.to_owned(), request_id: Some(request_id()), reason })
}

/// Who asks through the API.
pub fn api_audit(reason: wire::Reason) -> Result<Audit, ApiError> {
    let actor = remark("actor", reason.actor, MAX_ACTOR)?;
    audit(actor.as_deref().unwrap_or(API), reason.reason)
}

/// A word for the record; spaces alone are none.
fn remark(field: &str, text: Option<String>, most: usize) -> Result<Option<String>, ApiError> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if let Some(text) = &text {
        if text.chars().count() > most {
            return Err(ApiError::field(field, format!("must have at most {most} characters")));
        }
        if text.contains('\0') {
            return Err(ApiError::field(field, "must not contain the character U+0000"));
        }
    }
    Ok(text)
}

impl From<Job> for wire::Job {
    fn from(row: Job) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            queue: row.queue,
            tenant: row.tenant,
            tags: row.tags,
            state: row.state.to_string(),
            priority: row.priority,
            run_at: row.run_at,
            payload: raw(row.payload),
            result: row.result.map(raw),
            error: row.error,
            attempt: row.attempt,
            failures: row.failures,
            max_attempts: row.max_attempts,
            timeout_s: row.timeout.map(|it| it.as_secs_f64()),
            deadline_at: row.deadline_at,
            backoff: row.backoff.map(backoff),
            project_id: row.project_id,
            origin_id: row.origin_id,
            replays: row.replays,
            schema_version: row.schema_version,
            idempotency_key: row.idempotency_key,
            workflow_id: row.step.as_ref().map(|it| it.workflow),
            step: row.step.map(|it| it.name),
            waits_for: row.waits_for,
            doomed_by: row.doomed_by,
            execution_id: row.execution_id,
            worker_id: row.worker_id,
            lease_until: row.lease_until,
            progress: row.progress.map(progress),
            cancel_requested_at: row.cancel_requested_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        }
    }
}

fn progress(it: Progress) -> wire::internal::Progress {
    wire::internal::Progress { fraction: it.fraction, text: it.text }
}

/// A retry policy as it goes out.
pub fn backoff(policy: Backoff) -> wire::BackoffPolicy {
    wire::BackoffPolicy {
        strategy: policy.strategy.to_string(),
        base_s: policy.base.as_secs_f64(),
        max_s: policy.max.as_secs_f64(),
        jitter: policy.jitter,
    }
}

impl From<Execution> for wire::Execution {
    fn from(row: Execution) -> Self {
        let took = row.ended_at.map(|ended| (ended - row.claimed_at).whole_milliseconds());
        Self {
            id: row.id,
            job_id: row.job_id,
            attempt: row.attempt,
            worker_id: row.worker_id,
            kind: row.kind,
            queue: row.queue,
            claimed_at: row.claimed_at,
            ended_at: row.ended_at,
            duration_ms: took.and_then(|ms| i64::try_from(ms).ok()),
            outcome: row.outcome,
            error: row.error,
            progress: row.progress.map(progress),
        }
    }
}

impl From<events::Event> for wire::Event {
    fn from(row: events::Event) -> Self {
        Self {
            id: row.id,
            entity: row.entity,
            entity_id: row.entity_id,
            previous_state: row.previous_state,
            new_state: row.new_state,
            reason: row.reason,
            actor: row.actor,
            detail: row.detail.map(raw),
            job_id: row.job_id,
            execution_id: row.execution_id,
            attempt: row.attempt,
            request_id: row.request_id,
            occurred_at: row.occurred_at,
        }
    }
}

/// `priority`.
pub fn priority(value: i64) -> Result<i16, ApiError> {
    let fits = i16::try_from(value).ok().filter(|it| (0..=TOP_PRIORITY).contains(it));
    fits.ok_or_else(|| {
        ApiError::field(
            "priority",
            format!("must be a whole number from 0 to {TOP_PRIORITY}; {TOP_PRIORITY} is served first"),
        )
    })
}

/// A new job that does the same, now.
pub fn copy(job: &Job) -> Result<NewJob, ApiError> {
    let ident = |text: &str| Ident::parse(text).map_err(|error| ApiError::field("name", format!("{text:?} {error}")));
    Ok(NewJob {
        queue: ident(&job.queue)?,
        tenant: ident(&job.tenant)?,
        tags: job.tags.clone(),
        priority: job.priority,
        payload: job.payload.clone(),
        max_attempts: job.max_attempts.unsigned_abs().max(1),
        timeout: job.timeout,
        backoff: job.backoff,
        schema_version: job.schema_version,
        ..NewJob::new(ident(&job.kind)?)
    })
}

/// The wish that a job came from, as far as a schedule says it.
pub fn wish_of(job: &NewJob) -> CreateJob {
    CreateJob {
        kind: job.kind.to_string(),
        queue: Some(job.queue.to_string()),
        tenant: Some(job.tenant.to_string()),
        tags: Some(job.tags.clone()),
        priority: Some(job.priority.into()),
        payload: Some(raw(job.payload.clone())),
        max_attempts: Some(job.max_attempts.into()),
        timeout: job.timeout.map(HumanDuration),
        backoff: job.backoff.map(|it| CreateBackoff {
            strategy: Some(it.strategy.to_string()),
            base: Some(HumanDuration(it.base)),
            max: Some(HumanDuration(it.max)),
            jitter: Some(it.jitter),
        }),
        schema_version: job.schema_version,
        ..CreateJob::default()
    }
}

/// Where a page of finished jobs ends: when the last of them finished, and its id.
pub fn place(job: &Job) -> String {
    format!("{}_{}", job.finished_at.map(moment::exact).unwrap_or_default(), job.id)
}
