//! Why a job is where it is.

use uuid::Uuid;

use crate::domain::{JobState, QueueState};
use crate::store::jobs::{Explained, Job, TightLimit};
use crate::store::workflows::Edge;
use crate::web::api::jobs::{no_job, verbs};
use crate::web::api::workflows::graph::blocked_reason;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::wire::JobExplanation;

/// The exact reason, with numbers, and what can be done.
pub async fn waiting(app: &App, job: &Job) -> Result<JobExplanation, ApiError> {
    let known = app.store.explain_job(job.id, app.silence()).await?.ok_or_else(|| no_job(job.id))?;
    let (reason, summary) = match job.state {
        JobState::Blocked => ("blocked", blocked(app, job).await?),
        _ => why(job, &known),
    };
    let until = match reason {
        "not_due" | "retrying_later" => Some(job.run_at),
        "throttled" => {
            let free_in = known.limit.as_ref().and_then(|it| it.free_in).filter(|it| it.is_finite());
            free_in.map(|seconds| known.at + time::Duration::seconds_f64(seconds.max(0.0)))
        }
        _ => None,
    };
    Ok(JobExplanation {
        reason: reason.to_owned(),
        summary,
        at: known.at,
        until,
        limit: known.limit.filter(|_| reason == "throttled").map(|it| it.name),
        ahead: known.ahead,
        workers: known.workers,
        free_slots: known.free_slots,
        possible: verbs(job),
    })
}

/// What can be done with a job where it is.
pub fn possible(job: &Job) -> Vec<&'static str> {
    let of_project = job.project_id.is_some();
    match job.state {
        JobState::Scheduled | JobState::Retrying if of_project => vec!["cancel", "prioritise"],
        JobState::Scheduled | JobState::Retrying => vec!["cancel", "retry", "prioritise"],
        JobState::Queued | JobState::Blocked | JobState::Active => vec!["cancel", "prioritise"],
        _ if of_project => Vec::new(),
        // A step is deleted with its workflow.
        JobState::Failed if job.step.is_some() => vec!["retry", "run-again"],
        JobState::Failed => vec!["retry", "run-again", "delete"],
        JobState::Completed | JobState::Canceled => vec!["run-again"],
    }
}

/// The reason in a word and in a sentence.
pub fn why(job: &Job, known: &Explained) -> (&'static str, String) {
    match job.state {
        JobState::Completed => ("finished", "It is done.".to_owned()),
        JobState::Canceled => ("finished", format!("It was canceled{}.", because(job.error.as_deref()))),
        JobState::Failed => {
            ("finished", format!("It failed{}. Replay it, or delete it.", because(job.error.as_deref())))
        }
        JobState::Blocked => ("blocked", "It waits for other jobs.".to_owned()),
        JobState::Active => active(job, known),
        JobState::Scheduled if job.run_at > known.at => ("not_due", "It waits for its time.".to_owned()),
        JobState::Retrying if job.run_at > known.at => (
            "retrying_later",
            format!(
                "It failed {} of {} times and is tried again when its wait is over{}.",
                job.failures,
                job.max_attempts,
                because(job.error.as_deref())
            ),
        ),
        JobState::Scheduled | JobState::Retrying | JobState::Queued => due(job, known),
    }
}

/// What it waits for, by name.
pub async fn blocked(app: &App, job: &Job) -> Result<String, ApiError> {
    let edges = app.store.edges(&[job.id]).await?;
    let unmet: Vec<&Edge> = edges.iter().filter(|it| !it.is_met()).collect();
    let ids: Vec<Uuid> = unmet.iter().map(|it| it.depends_on).collect();
    let nodes = app.store.nodes(&ids).await?;
    let by_id = nodes.iter().map(|node| (node.id, node)).collect();
    Ok(format!("It {}.", blocked_reason(&unmet, &by_id)))
}

fn because(error: Option<&str>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

fn active(job: &Job, known: &Explained) -> (&'static str, String) {
    let worker = job.worker_id.as_deref().unwrap_or("a worker");
    if job.cancel_requested_at.is_some() {
        return (
            "cancel_requested",
            format!("Worker {worker} has been asked to stop it; if it does not, its lease is revoked."),
        );
    }
    if job.lease_until.is_some_and(|until| until < known.at) {
        return (
            "lease_lapsed",
            format!("Worker {worker} is silent and its lease has ended; the job is about to be taken back."),
        );
    }
    (
        "active",
        format!(
            "Worker {worker} works on it (attempt {}, {} of {} failures spent).",
            job.attempt, job.failures, job.max_attempts
        ),
    )
}

fn due(job: &Job, known: &Explained) -> (&'static str, String) {
    if known.queue_state.as_deref() == Some(QueueState::Paused.as_str()) {
        let who = known.queue_actor.as_deref().unwrap_or("somebody");
        return (
            "paused",
            format!("The queue {} is paused by {who}{}.", job.queue, because(known.queue_reason.as_deref())),
        );
    }
    if known.workers == 0 {
        return ("no_worker", no_worker(job, known));
    }
    if let Some(limit) = &known.limit {
        return ("throttled", throttled(limit));
    }
    if known.free_slots == 0 {
        let slots = if known.workers == 1 {
            "the one worker that serves it".to_owned()
        } else {
            format!("the {} workers that serve it", known.workers)
        };
        return (
            "no_free_slot",
            format!("All slots of {slots} are taken; {} due jobs are served before it.", many(known.ahead)),
        );
    }
    if known.ahead > 0 {
        return ("queued_behind_others", format!("{} due jobs are served before it.", many(known.ahead)));
    }
    ("about_to_start", "It is the next that a free worker takes.".to_owned())
}

fn no_worker(job: &Job, known: &Explained) -> String {
    let (queue, kind) = (&job.queue, &job.kind);
    if known.held_workers > 0 {
        return format!(
            "The {} workers that serve the queue {queue} and the kind {kind} are cordoned or draining.",
            known.held_workers
        );
    }
    format!("No worker that serves the queue {queue} and the kind {kind} is online; it starts when one comes.")
}

fn throttled(limit: &TightLimit) -> String {
    let TightLimit { name, mode, most, span, free_in } = limit;
    if mode == "concurrency" {
        return format!(
            "The limit {name} lets {most} be active at once, and so many are; it is free when one of them ends."
        );
    }
    let window = span.unwrap_or(1.0);
    match free_in {
        Some(seconds) => {
            format!("The limit {name} lets {most} start in {window} s; the next may in {:.1} s.", seconds.max(0.0))
        }
        None => format!("The limit {name} lets nothing start until it is changed."),
    }
}

fn many(n: i64) -> String {
    if n > 10_000 { "more than 10,000".to_owned() } else { n.to_string() }
}
