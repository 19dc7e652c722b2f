//! `/projects/{id}/explain`: why it is where it is.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::domain::{JobState, ProjectStatus, ProjectVerb};
use crate::store::projects::{Explained, Project, WaitingJob};
use crate::web::api::jobs::explain as explain_job;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::Id;
use crate::wire::{JobSummary, Problem, ProjectExplanation};

/// The exact reason why a project is where it is, and what can be done.
#[utoipa::path(get, path = "/projects/{id}/explain", tag = "projects", params(("id" = Uuid, Path)),
    responses((status = 200, body = ProjectExplanation), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn explain(app: Data<App>, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let explained = app.store.explain_project(id, app.silence()).await?.ok_or(ApiError::NoProject(id))?;
    let due = due(&app, &explained).await?;
    Ok(HttpResponse::Ok().json(explanation(explained, due)))
}

/// Why its job waits though it is due: the job's own reason.
pub async fn due(app: &App, explained: &Explained) -> Result<Option<Reason>, ApiError> {
    let Some(job) = explained.job.as_ref().filter(|job| job.state != JobState::Active && job.run_at <= explained.at)
    else {
        return Ok(None);
    };
    let (known, job) = (app.store.explain_job(job.id, app.silence()).await?, app.store.get_job(job.id).await?);
    Ok(known.zip(job).map(|(known, job)| explain_job::why(&job, &known)))
}

/// A reason in a word and in a sentence.
pub type Reason = (&'static str, String);

fn explanation(explained: Explained, due: Option<Reason>) -> ProjectExplanation {
    let (reason, summary) = why(&explained, due);
    let Explained { project, at, job } = explained;
    let possible = [ProjectVerb::Retry, ProjectVerb::Delete];
    ProjectExplanation {
        project_id: project.id,
        status: project.status.to_string(),
        reason: reason.to_owned(),
        summary,
        at,
        since: project.requested_at,
        elapsed_ms: elapsed_ms(&project, at),
        deadline_at: project.deadline_at,
        then: project.deadline_at.map(|_| AT_DEADLINE.to_owned()),
        possible: possible.iter().filter(|it| it.target(project.status).is_some()).map(ToString::to_string).collect(),
        job: job.map(JobSummary::from),
    }
}

/// What happens when a deadline passes.
pub const AT_DEADLINE: &str = "it is marked failed with the reason, and can then be retried or deleted";

fn elapsed_ms(project: &Project, at: time::OffsetDateTime) -> i64 {
    let end = if project.status.is_transient() { at } else { project.updated_at };
    i64::try_from((end - project.requested_at).whole_milliseconds()).unwrap_or_default().max(0)
}

/// The reason in a word and in a sentence.
pub fn why(explained: &Explained, due: Option<Reason>) -> Reason {
    let Explained { project, at, job } = explained;
    if !project.status.is_transient() {
        return ("settled", settled(project));
    }
    if project.deadline_at.is_some_and(|deadline| deadline < *at) {
        return ("past_deadline", "Its deadline has passed; it is about to be marked failed.".to_owned());
    }
    match job {
        None => {
            ("no_job", "It has no unfinished job, which should not be; its deadline will move it to failed.".to_owned())
        }
        Some(job) if job.state == JobState::Active => active(job, *at),
        Some(job) if job.run_at > *at => (
            "retrying_later",
            format!(
                "It failed {} of {} times and is tried again soon: {}.",
                job.failures,
                job.max_attempts,
                job.error.as_deref().unwrap_or("no reason was given")
            ),
        ),
        Some(_) => due.unwrap_or_else(|| ("about_to_start", "It is the next that a free worker takes.".to_owned())),
    }
}

fn settled(project: &Project) -> String {
    match project.status {
        ProjectStatus::Ready => "It is ready; there is nothing to wait for.".to_owned(),
        ProjectStatus::Failed => {
            format!(
                "It failed: {}. Retry it, or delete it.",
                project.error_reason.as_deref().unwrap_or("no reason was given")
            )
        }
        _ => "It is deleted; only its record is left.".to_owned(),
    }
}

fn active(job: &WaitingJob, at: time::OffsetDateTime) -> (&'static str, String) {
    let worker = job.worker_id.as_deref().unwrap_or("a worker");
    if job.lease_until.is_some_and(|until| until < at) {
        return (
            "lease_lapsed",
            format!("Worker {worker} is silent and its lease has ended; the job is about to be taken back."),
        );
    }
    (
        "working",
        format!(
            "Worker {worker} works on it (attempt {}, {} of {} failures spent).",
            job.attempt, job.failures, job.max_attempts
        ),
    )
}
