//! Explains the state of a job.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domain::{JobState, QueueState};
use crate::store::jobs::{ExhaustedLimit, Job, JobExplanation};
use crate::store::workflows::{Edge, Node};
use crate::web::api::jobs::not_found;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::wire;

/// Maximum number of dependencies that a reason names.
const MAX_NAMED: usize = 3;

/// A stable code and a sentence.
pub type Reason = (&'static str, String);

/// The reason for the job's state, with numbers, and the possible actions.
pub async fn explanation(app: &App, job: &Job) -> Result<wire::JobExplanation, ApiError> {
    let facts = app.store.explain_job(job.id, app.max_heartbeat_age()).await?.ok_or_else(|| not_found(job.id))?;
    let (reason, summary) = match job.state {
        JobState::Blocked => ("blocked", blocked(app, job).await?),
        _ => why(job, &facts),
    };
    let until = match reason {
        "not_due" | "retrying_later" => Some(job.run_at),
        "throttled" => {
            let free_in = facts.limit.as_ref().and_then(|it| it.free_in).filter(|it| it.is_finite());
            free_in.map(|seconds| facts.at + time::Duration::seconds_f64(seconds.max(0.0)))
        }
        _ => None,
    };
    Ok(wire::JobExplanation {
        reason: reason.to_owned(),
        summary,
        at: facts.at,
        until,
        limit: facts.limit.filter(|_| reason == "throttled").map(|it| it.name),
        ahead: facts.ahead,
        workers: facts.workers,
        free_slots: facts.free_slots,
        possible: possible(job).into_iter().map(str::to_owned).collect(),
    })
}

/// The actions that the job's state allows, by their paths.
pub fn possible(job: &Job) -> Vec<&'static str> {
    let of_project = job.project_id.is_some();
    match job.state {
        JobState::Scheduled | JobState::Retrying if of_project => vec!["cancel", "prioritize"],
        JobState::Scheduled | JobState::Retrying => vec!["cancel", "retry", "prioritize"],
        JobState::Queued | JobState::Blocked | JobState::Active => vec!["cancel", "prioritize"],
        _ if of_project => Vec::new(),
        // A step is deleted with its workflow.
        JobState::Failed if job.step.is_some() => vec!["retry", "run-again"],
        JobState::Failed => vec!["retry", "run-again", "delete"],
        JobState::Completed | JobState::Canceled | JobState::Superseded => vec!["run-again"],
    }
}

/// The reason for the job's state. For a blocked job, [`blocked`] knows more.
pub fn why(job: &Job, facts: &JobExplanation) -> Reason {
    let error = because(job.error.as_deref());
    match job.state {
        JobState::Completed => ("finished", "The job has completed.".to_owned()),
        JobState::Canceled => ("finished", format!("The job was canceled{error}.")),
        JobState::Failed => {
            ("finished", format!("The job failed permanently{error}. Fix the cause, then replay or delete it."))
        }
        JobState::Superseded => ("finished", format!("The job failed{error}. A later operation has taken its place.")),
        JobState::Blocked => ("blocked", "The job waits for its dependencies.".to_owned()),
        JobState::Active => active(job, facts),
        JobState::Scheduled if job.run_at > facts.at => {
            ("not_due", "The job is scheduled for a later time.".to_owned())
        }
        JobState::Retrying if job.run_at > facts.at => {
            let (failures, max) = (job.failures, job.max_attempts);
            (
                "retrying_later",
                format!("The last attempt failed{error} ({failures} of {max} failures); a retry is scheduled."),
            )
        }
        JobState::Scheduled | JobState::Retrying | JobState::Queued => due(job, facts),
    }
}

/// Which dependencies block the job.
pub async fn blocked(app: &App, job: &Job) -> Result<String, ApiError> {
    let edges = app.store.edges(&[job.id]).await?;
    let unmet: Vec<&Edge> = edges.iter().filter(|it| !it.is_met()).collect();
    let ids: Vec<Uuid> = unmet.iter().map(|it| it.depends_on).collect();
    let nodes = app.store.nodes(&ids).await?;
    let by_id = nodes.iter().map(|node| (node.id, node)).collect();
    Ok(format!("The job {}.", blocked_reason(&unmet, &by_id)))
}

/// Why a job is blocked, as a predicate. `unmet` are the dependencies that block it.
pub fn blocked_reason(unmet: &[&Edge], nodes: &HashMap<Uuid, &Node>) -> String {
    let name = |id: &Uuid| nodes.get(id).and_then(|it| it.step.clone()).unwrap_or_else(|| format!("job {id}"));
    let failed: Vec<&Uuid> = unmet.iter().filter(|it| it.outcome.is_some()).map(|it| &it.depends_on).collect();
    if let Some(first) = failed.first() {
        let others = if failed.len() > 1 { format!(" and {} more", failed.len() - 1) } else { String::new() };
        return format!("depends on {}{others}, which failed; a successful retry unblocks it", name(first));
    }
    let named: Vec<String> = unmet.iter().take(MAX_NAMED).map(|it| name(&it.depends_on)).collect();
    match unmet.len().saturating_sub(MAX_NAMED) {
        0 => format!("waits for {}", named.join(", ")),
        others => format!("waits for {} and {others} more", named.join(", ")),
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

fn active(job: &Job, facts: &JobExplanation) -> Reason {
    let worker = job.worker_id.as_deref().unwrap_or("unknown");
    if job.cancel_requested_at.is_some() {
        let text = format!("Cancellation was requested. If worker {worker} does not stop, its lease is revoked.");
        return ("cancel_requested", text);
    }
    if job.lease_until.is_some_and(|until| until < facts.at) {
        return ("lease_expired", lease_expired(worker, facts.has_scheduler));
    }
    ("active", running(worker, job.attempt, job.failures, job.max_attempts))
}

/// The sentence for a lease that expired without a settlement.
pub fn lease_expired(worker: &str, has_scheduler: bool) -> String {
    let then = if has_scheduler { "The job will be released shortly." } else { NO_SCHEDULER };
    format!("Worker {worker} stopped sending heartbeats and its lease expired. {then}")
}

/// Why nothing happens that depends on time.
pub const NO_SCHEDULER: &str =
    "No process has the role scheduler, so nothing happens to it: start one, with scheduler in PROVOST_ROLES.";

/// The sentence for a running attempt.
pub fn running(worker: &str, attempt: i32, failures: i32, max_attempts: i32) -> String {
    format!("Running on worker {worker} (attempt {attempt}, {failures} of {max_attempts} failures).")
}

/// The reason for a job that starts as soon as a worker claims it.
pub fn about_to_start() -> Reason {
    ("about_to_start", "The job starts on the next free worker.".to_owned())
}

fn due(job: &Job, facts: &JobExplanation) -> Reason {
    if facts.queue_state.as_deref() == Some(QueueState::Paused.as_str()) {
        let by = facts.queue_actor.as_deref().map(|actor| format!(" by {actor}")).unwrap_or_default();
        return ("paused", format!("Queue {} is paused{by}{}.", job.queue, because(facts.queue_reason.as_deref())));
    }
    if facts.workers == 0 {
        return ("no_worker", no_worker(job, facts));
    }
    if let Some(limit) = &facts.limit {
        return ("throttled", throttled(limit));
    }
    let ahead = if facts.ahead > 10_000 { "more than 10,000".to_owned() } else { facts.ahead.to_string() };
    if facts.free_slots == 0 {
        let workers = match facts.workers {
            1 => "The only worker for this queue and kind is".to_owned(),
            n => format!("All {n} workers for this queue and kind are"),
        };
        return ("no_free_slot", format!("{workers} busy. Due jobs ahead: {ahead}."));
    }
    if facts.ahead > 0 {
        return ("queued_behind_others", format!("Due jobs ahead: {ahead}."));
    }
    about_to_start()
}

fn no_worker(job: &Job, facts: &JobExplanation) -> String {
    let (queue, kind) = (&job.queue, &job.kind);
    match facts.held_workers {
        0 => format!("No online worker handles kind {kind} on queue {queue}."),
        n => format!("The workers that handle kind {kind} on queue {queue} ({n}) are cordoned or draining."),
    }
}

fn throttled(limit: &ExhaustedLimit) -> String {
    let ExhaustedLimit { name, mode, max, window, free_in } = limit;
    if mode == "concurrency" {
        return format!("Limit {name} is reached ({max} of {max} active). The job starts when an active job ends.");
    }
    match (free_in, window.unwrap_or(1.0)) {
        (Some(seconds), window) => {
            format!("Limit {name} allows {max} per {window} s; the next start is in {:.1} s.", seconds.max(0.0))
        }
        (None, _) => format!("Limit {name} allows no starts until it is changed."),
    }
}
