//! Actions on jobs: cancel, retry and run again.

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::store::jobs::Edit;
use crate::web::api::audit::api_audit;
use crate::web::api::description;
use crate::web::api::jobs::selection::{self, Selection};
use crate::web::api::jobs::{convert, load, not_found};
use crate::web::api::response::{accepted, json};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, Json, OptionalJson};
use crate::wire::{self, BulkOutcome, Reason, SelectJobs};

const CANCEL_HINT: &str = "Only an unfinished job can be canceled.";
const RETRY_HINT: &str =
    "Only a failed, retrying or scheduled job can be retried. Use run-again for a copy of a finished job.";
const DEPENDENCY_HINT: &str = "The job failed while it waited for a dependency that can no longer complete. Use run-again for a copy without dependencies.";
const PROJECT_HINT: &str = "The job belongs to a project; retry the project.";

/// Cancel a job. A waiting job is canceled immediately. An active job is canceled once its worker has stopped; the worker learns of the
/// cancellation with its next heartbeat.
#[utoipa::path(post, path = "/jobs/{id}/cancel", tag = "jobs", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Job, description = "Canceled"), (status = 202, body = wire::Job, description = "Cancellation requested"),
        description::WriteOne, description::Conflict))]
pub async fn cancel(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let audit = api_audit(reason.0)?;
    let answer = app.store.cancel_jobs(&[id], &audit).await?.pop().ok_or_else(|| not_found(id))?;
    if !answer.canceled && !answer.requested {
        return Err(invalid_state("canceled", answer.previous_state, CANCEL_HINT));
    }
    Ok(accepted(!answer.canceled).json(wire::Job::from(load(&app, id).await?)))
}

/// Retry a job now. A dead letter is replayed with its failures reset to zero; a scheduled or retrying job becomes due immediately.
#[utoipa::path(post, path = "/jobs/{id}/retry", tag = "jobs", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Job), description::WriteOne, description::Conflict))]
pub async fn retry(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let audit = api_audit(reason.0)?;
    let answer = app.store.retry_jobs(&[id], &Edit::default(), false, &audit).await?;
    let answer = answer.into_iter().next().ok_or_else(|| not_found(id))?;
    if !answer.changed {
        let hint = match answer {
            _ if answer.of_project => PROJECT_HINT,
            _ if answer.has_failed_dependency => DEPENDENCY_HINT,
            _ => RETRY_HINT,
        };
        return Err(invalid_state("retried", answer.previous_state, hint));
    }
    json(wire::Job::from(load(&app, id).await?))
}

/// Enqueue a copy of a finished job.
#[utoipa::path(post, path = "/jobs/{id}/run-again", tag = "jobs", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 201, body = wire::Job), description::WriteOne, description::Conflict))]
pub async fn run_again(app: Data<App>, request: HttpRequest, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let audit = api_audit(reason.0)?;
    let copy = enqueue_copy(&app, id, &audit.actor, audit.request_id.as_deref()).await?;
    let jobs = request.path().trim_end_matches("run-again").trim_end_matches('/').trim_end_matches(&id.to_string());
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("{jobs}{copy}")))
        .json(wire::Job::from(load(&app, copy).await?)))
}

/// Enqueues a copy of a finished job and returns its id.
pub async fn enqueue_copy(app: &App, id: Uuid, actor: &str, request_id: Option<&str>) -> Result<Uuid, ApiError> {
    let job = load(app, id).await?;
    if !job.state.is_finished() || job.project_id.is_some() {
        let hint = if job.project_id.is_some() { PROJECT_HINT } else { "Wait until the job has finished." };
        return Err(invalid_state("run again", job.state, hint));
    }
    let copy = convert::copy(&job)?;
    Ok(app.store.enqueue_jobs(&[copy], Some(id), actor, request_id).await?.first().map_or(id, |it| it.id))
}

/// Cancel many jobs, by id or by filter.
#[utoipa::path(post, path = "/jobs/cancel", tag = "jobs", request_body = SelectJobs,
    responses((status = 200, body = BulkOutcome), description::Write))]
pub async fn cancel_many(app: Data<App>, body: Json<SelectJobs>) -> ApiResult {
    json(selection::cancel(&app, &Selection::parse(body.value)?).await?)
}

/// Retry many jobs, by id or by filter.
#[utoipa::path(post, path = "/jobs/retry", tag = "jobs", request_body = SelectJobs,
    responses((status = 200, body = BulkOutcome), description::Write))]
pub async fn retry_many(app: Data<App>, body: Json<SelectJobs>) -> ApiResult {
    json(selection::retry(&app, &Selection::parse(body.value)?, &Edit::default(), false).await?)
}

fn invalid_state(verb: &'static str, was: impl ToString, hint: &'static str) -> ApiError {
    ApiError::InvalidState { what: "job", verb, was: was.to_string(), hint }
}
