//! Conversions of jobs and attempts.

use crate::domain::new_job::MAX_PRIORITY;
use crate::domain::{Backoff, Ident, NewJob, Progress};
use crate::store::jobs::{Execution, Job};
use crate::web::error::ApiError;
use crate::wire;
use crate::wire::create_job::{CreateBackoff, CreateJob};
use crate::wire::duration::HumanDuration;
use crate::wire::json::raw;

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
            backoff: row.backoff.map(wire::BackoffPolicy::from),
            project_id: row.project_id,
            origin_id: row.origin_id,
            replays: row.replays,
            schema_version: row.schema_version,
            idempotency_key: row.idempotency_key,
            workflow_id: row.step.as_ref().map(|it| it.workflow),
            step: row.step.map(|it| it.name),
            waits_for: row.pending_dependencies,
            canceled_by: row.canceled_by,
            execution_id: row.execution_id,
            worker_id: row.worker_id,
            lease_until: row.lease_until,
            progress: row.progress.map(wire::internal::Progress::from),
            cancel_requested_at: row.cancel_requested_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        }
    }
}

impl From<Execution> for wire::Execution {
    fn from(row: Execution) -> Self {
        let duration = row.ended_at.map(|ended| (ended - row.claimed_at).whole_milliseconds());
        Self {
            id: row.id,
            job_id: row.job_id,
            attempt: row.attempt,
            worker_id: row.worker_id,
            kind: row.kind,
            queue: row.queue,
            claimed_at: row.claimed_at,
            ended_at: row.ended_at,
            duration_ms: duration.and_then(|ms| i64::try_from(ms).ok()),
            outcome: row.outcome,
            error: row.error,
            progress: row.progress.map(wire::internal::Progress::from),
        }
    }
}

impl From<Progress> for wire::internal::Progress {
    fn from(progress: Progress) -> Self {
        Self { fraction: progress.fraction, text: progress.text }
    }
}

impl From<Backoff> for wire::BackoffPolicy {
    fn from(policy: Backoff) -> Self {
        Self {
            strategy: policy.strategy.to_string(),
            base_s: policy.base.as_secs_f64(),
            max_s: policy.max.as_secs_f64(),
            jitter: policy.jitter,
        }
    }
}

/// Validates `priority`.
pub fn priority(value: i64) -> Result<i16, ApiError> {
    let valid = i16::try_from(value).ok().filter(|it| (0..=MAX_PRIORITY).contains(it));
    valid.ok_or_else(|| {
        let message = format!("must be a whole number from 0 to {MAX_PRIORITY}; {MAX_PRIORITY} runs first");
        ApiError::field("priority", message)
    })
}

/// A new job with the same work, due now.
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

/// The request that creates this job, without the fields that a schedule does not accept.
pub fn create_request(job: &NewJob) -> CreateJob {
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
