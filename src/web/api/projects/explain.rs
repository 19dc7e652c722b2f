//! `/projects/{id}/explain`.

use actix_web::web::Data;

use crate::domain::{JobState, ProjectStatus, ProjectVerb, StepState, moment};
use crate::store::projects::{Project, ProjectExplanation, WaitingJob};
use crate::store::steps::Step;
use crate::web::api::description;
use crate::web::api::jobs::explain::{self as job, Reason};
use crate::web::api::projects::not_found;
use crate::web::api::response::json;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::Id;
use crate::wire::{self, JobSummary};

/// What happens when a deadline passes.
pub const AT_DEADLINE: &str = "the operation fails; you can then retry or delete the project";

/// Explain the status of a project: what it waits for, and which actions are possible.
#[utoipa::path(get, path = "/projects/{id}/explain", tag = "projects", params(("id" = Uuid, Path)),
    responses((status = 200, body = wire::ProjectExplanation), description::ReadOne))]
pub async fn explain(app: Data<App>, Id(id): Id) -> ApiResult {
    let explained = app.store.explain_project(id, app.max_heartbeat_age()).await?.ok_or_else(|| not_found(id))?;
    let due = due(&app, &explained).await?;
    let steps = app.store.steps_of_project(id, 1).await?;
    json(explanation(explained, due, steps))
}

/// Why the project's job has not started although it is due.
pub async fn due(app: &App, explained: &ProjectExplanation) -> Result<Option<Reason>, ApiError> {
    let is_due = |job: &&WaitingJob| job.state != JobState::Active && job.run_at <= explained.at;
    let Some(waiting) = explained.job.as_ref().filter(is_due) else { return Ok(None) };
    let facts = app.store.explain_job(waiting.id, app.max_heartbeat_age()).await?;
    let job = app.store.get_job(waiting.id).await?;
    Ok(facts.zip(job).map(|(facts, job)| job::why(&job, &facts)))
}

fn explanation(explained: ProjectExplanation, due: Option<Reason>, steps: Vec<Step>) -> wire::ProjectExplanation {
    let (reason, mut summary) = why(&explained, due, &steps);
    if can_continue_undo(explained.project.status, &steps) {
        summary.push_str(" The undoing of a step failed: continue it, or skip the step.");
    }
    let ProjectExplanation { project, at, job, .. } = explained;
    wire::ProjectExplanation {
        project_id: project.id,
        status: project.status.to_string(),
        reason: reason.to_owned(),
        summary,
        at,
        since: project.requested_at,
        elapsed_ms: elapsed_ms(&project, at),
        deadline_at: project.deadline_at,
        then: project.deadline_at.map(|_| AT_DEADLINE.to_owned()),
        possible: possible(project.status, &steps),
        job: job.map(JobSummary::from),
        steps: steps.into_iter().map(wire::ProjectStep::from).collect(),
    }
}

/// The verbs that change something in this status. `steps` are those of the latest operation.
fn possible(status: ProjectStatus, steps: &[Step]) -> Vec<String> {
    let can = |verb: &ProjectVerb| match verb {
        ProjectVerb::Undo | ProjectVerb::Skip => can_continue_undo(status, steps),
        verb => verb.applies_to(status),
    };
    ProjectVerb::ALL.iter().copied().filter(can).map(|it| it.to_string()).collect()
}

/// Whether the undoing of one of these steps has failed, and nothing is in progress.
pub fn can_continue_undo(status: ProjectStatus, steps: &[Step]) -> bool {
    let is_at_rest = !status.is_transient() && status != ProjectStatus::Deleted;
    is_at_rest && steps.iter().any(|it| it.state == StepState::UndoFailed)
}

fn elapsed_ms(project: &Project, at: time::OffsetDateTime) -> i64 {
    let end = if project.status.is_transient() { at } else { project.updated_at };
    i64::try_from((end - project.requested_at).whole_milliseconds()).unwrap_or_default().max(0)
}

/// The reason for the project's status. `due` is the result of [`due`], `steps` are those of the latest operation.
pub fn why(explained: &ProjectExplanation, due: Option<Reason>, steps: &[Step]) -> Reason {
    let ProjectExplanation { project, at, has_scheduler, job } = explained;
    if !project.status.is_transient() {
        return ("settled", settled(project));
    }
    if project.deadline_at.is_some_and(|deadline| deadline < *at) {
        let then = if *has_scheduler { "The operation will fail shortly." } else { job::NO_SCHEDULER };
        return ("past_deadline", format!("The deadline has passed. {then}"));
    }
    match job {
        None => {
            let text = "The project has no unfinished job; this is an internal error. The operation will fail at its deadline.";
            ("no_job", text.to_owned())
        }
        Some(job) if job.state == JobState::Active => active(job, *at, *has_scheduler),
        // An attempt that met an outage does not count as a failure.
        Some(job) if job.run_at > *at && job.state == JobState::Scheduled => {
            let error = steps.iter().rev().find_map(|it| it.error.as_deref()).unwrap_or("no reason given");
            ("waiting_for_outage", format!("It waits for the end of an outage: {error}. Another attempt is scheduled."))
        }
        Some(job) if job.run_at > *at => {
            let WaitingJob { failures, max_attempts, error, .. } = job;
            let error = error.as_deref().unwrap_or("no reason given");
            (
                "retrying_later",
                format!(
                    "The last attempt failed: {error} ({failures} of {max_attempts} failures); a retry is scheduled."
                ),
            )
        }
        Some(_) => due.unwrap_or_else(job::about_to_start),
    }
}

fn settled(project: &Project) -> String {
    match project.status {
        ProjectStatus::Ready => "The project is ready.".to_owned(),
        ProjectStatus::Paused => {
            "The project is paused: its data is kept, and all access is blocked. Resume or delete it.".to_owned()
        }
        ProjectStatus::PendingDeletion => match project.delete_after {
            Some(at) => format!(
                "The project is out of service and will be deleted after {}. Undelete it to keep it.",
                moment::text(at)
            ),
            None => "The project is out of service and will be deleted.".to_owned(),
        },
        ProjectStatus::Failed => {
            let reason = project.error_reason.as_deref().unwrap_or("no reason given");
            format!("The project failed: {reason}. Retry or delete it.")
        }
        _ => "The project was deleted. Its history is kept.".to_owned(),
    }
}

fn active(job: &WaitingJob, at: time::OffsetDateTime, has_scheduler: bool) -> Reason {
    let worker = job.worker_id.as_deref().unwrap_or("unknown");
    if job.lease_until.is_some_and(|until| until < at) {
        return ("lease_expired", job::lease_expired(worker, has_scheduler));
    }
    ("working", job::running(worker, job.attempt, job.failures, job.max_attempts))
}

impl From<WaitingJob> for JobSummary {
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
