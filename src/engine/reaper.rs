//! The reaper: applies every change that is due because time has passed, such as expired leases and deadlines.

use std::time::Duration;

use slog::{Logger, info, warn};

use super::EngineResources;
use crate::domain::ProjectVerb;
use crate::store::jobs::GracePeriods;
use crate::store::projects::{OperationPolicy, Request, Transition};
use crate::store::{Audit, StoreError};

/// How long after its timeout a worker may still settle an attempt. The worker stops the work after half of this, so that
/// the reaper does not revoke the lease during the settlement.
pub const TIMEOUT_GRACE: Duration = Duration::from_secs(10);

/// How many rows one statement changes.
const BATCH: i64 = 200;
/// How many ended jobs one statement passes on to their dependents, and how many statements run in a row.
const DEPENDENTS_BATCH: i64 = 100;
const DEPENDENTS_ROUNDS: usize = 20;
/// The longest pause. Every change is known at least one lease before it is due.
const MAX_PAUSE: Duration = Duration::from_secs(5);
const MIN_PAUSE: Duration = Duration::from_millis(500);

/// One query tells which kinds of changes are due, and when the next will be; each kind has its own statement.
pub async fn reap(resources: &EngineResources, log: &Logger) -> Result<Duration, StoreError> {
    let config = &resources.context.config;
    let graces = GracePeriods { cancel: config.cancel_grace, timeout: TIMEOUT_GRACE };
    let overdue = resources.store.overdue(graces).await?;
    if overdue.executions {
        reap_executions(resources, graces, log).await?;
    }
    if overdue.projects {
        expire_projects(resources, log).await?;
    }
    if overdue.jobs {
        expire_jobs(resources, log).await?;
    }
    if overdue.pending_outcomes {
        // Each statement follows the chain of dependents only so far.
        for _ in 0..DEPENDENTS_ROUNDS {
            if resources.store.propagate_outcomes(DEPENDENTS_BATCH).await? == 0 {
                break;
            }
        }
    }
    if overdue.deletions {
        delete_projects(resources, log).await?;
    }
    let max_pause = (config.lease_ttl / 4).min(config.cancel_grace / 2).min(MAX_PAUSE).max(MIN_PAUSE);
    Ok(overdue.next.unwrap_or(MAX_PAUSE).clamp(MIN_PAUSE, max_pause))
}

/// Reaps jobs whose lease expired, that timed out, or that did not stop after a cancel.
async fn reap_executions(resources: &EngineResources, graces: GracePeriods, log: &Logger) -> Result<(), StoreError> {
    for job in resources.store.reap_jobs(BATCH, graces, "reaper").await? {
        resources.context.telemetry.reaped.inc();
        warn!(log, "job reaped: {}", job.error;
            "job_id" => %job.job_id, "execution_id" => %job.execution_id, "worker_id" => &job.worker_id,
            "project_id" => job.project_id.map(|id| id.to_string()), "outcome" => &job.outcome,
            "previous_state" => "active", "new_state" => job.state.as_str());
        if let (Some(was), Some(project)) = (&job.previous_project_status, job.project_id) {
            warn!(log, "project failed with its job";
                "project_id" => %project, "job_id" => %job.job_id, "execution_id" => %job.execution_id,
                "worker_id" => &job.worker_id, "previous_state" => was, "new_state" => "failed");
        }
    }
    Ok(())
}

async fn expire_projects(resources: &EngineResources, log: &Logger) -> Result<(), StoreError> {
    for project in resources.store.expire_projects(BATCH, "deadlines").await? {
        resources.context.telemetry.expired.inc();
        warn!(log, "project expired: {}", project.error_reason;
            "project_id" => %project.id, "job_id" => project.job_id.map(|id| id.to_string()),
            "previous_state" => &project.previous_state, "new_state" => "failed");
    }
    Ok(())
}

/// Announces coming expiries, and starts the deletions that are due. Each is a statement of its own, because a statement that locks
/// several projects with their jobs could deadlock with another one.
async fn delete_projects(resources: &EngineResources, log: &Logger) -> Result<(), StoreError> {
    let (store, config) = (&resources.store, &resources.context.config);
    for project in store.announce_expiry(BATCH, "expiry").await? {
        info!(log, "project expires within 24 hours"; "project_id" => %project);
    }
    let default = OperationPolicy { deadline: config.project_deadline, max_attempts: config.max_attempts };
    for due in store.due_deletions(BATCH, default).await? {
        let (grace, reason) = if due.is_removal {
            (Some(Duration::ZERO), "the grace time is over")
        } else {
            (None, "the project expired")
        };
        let policy = OperationPolicy {
            deadline: due.timeout,
            max_attempts: u32::try_from(due.max_attempts).unwrap_or(default.max_attempts),
        };
        let audit = Audit { actor: "expiry".into(), request_id: None, reason: Some(reason.into()) };
        // A project that somebody changed meanwhile refuses; the next run looks again. One that cannot be deleted does not hold up
        // the others.
        let request = Request { grace, ..Request::new(ProjectVerb::Delete) };
        match store.begin_operation(due.id, &request, policy, &audit).await {
            Ok(Transition::Applied(_)) => {
                info!(log, "project deletion started: {reason}"; "project_id" => %due.id, "new_state" => "deleting");
            }
            Ok(_) => {}
            Err(error) => warn!(log, "project cannot be deleted now: {error}"; "project_id" => %due.id),
        }
    }
    Ok(())
}

async fn expire_jobs(resources: &EngineResources, log: &Logger) -> Result<(), StoreError> {
    for (job, was) in resources.store.expire_jobs(BATCH, "deadlines").await? {
        resources.context.telemetry.expired_jobs.inc();
        warn!(log, "job failed: its deadline passed";
            "job_id" => %job, "previous_state" => was.as_str(), "new_state" => "failed");
    }
    Ok(())
}
