//! `/jobs`.

pub mod actions;
pub mod convert;
pub mod create;
pub mod explain;
pub mod logs;
pub mod selection;

use actix_web::HttpRequest;
use actix_web::web::Data;
use uuid::Uuid;

use crate::domain::JobState;
use crate::store::jobs::Job;
use crate::web::api::audit::api_audit;
use crate::web::api::response::{json, list as json_list, page};
use crate::web::api::{description, wait};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, Json};
use crate::web::query::{JOB_FILTER, Query};
use crate::wire::{self, Inspection, JobExplanation, PatchJob, Reason};

/// Maximum number of attempts, events and followers in an inspection.
const MAX_INSPECTED: i64 = 100;

/// The states in which a job can be canceled.
pub const CANCELABLE: &[JobState] =
    &[JobState::Scheduled, JobState::Queued, JobState::Blocked, JobState::Retrying, JobState::Active];
/// The states in which a job can be retried.
pub const RETRYABLE: &[JobState] = &[JobState::Failed, JobState::Retrying, JobState::Scheduled];

/// List jobs, newest first. The `Link` header contains the next page.
#[utoipa::path(get, path = "/jobs", tag = "jobs",
    params(("state" = Option<String>, Query), description::JobConditions, description::Paging),
    responses((status = 200, body = [wire::Job], headers(("Link" = String, description = "The next page: `rel=\"next\"`"))), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), JOB_FILTER)?;
    let (filter, limit) = (query.jobs()?, query.limit()?);
    let rows = app.store.list_jobs(&filter, query.cursor()?, limit + 1).await?;
    page::<wire::Job, _, _>(&request, rows, limit, |last| last.id)
}

/// Get a job. With `?wait=finished`, the response is sent once the job has finished or the timeout has passed.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs",
    params(("id" = Uuid, Path), ("wait" = Option<String>, Query, description = "`finished`"),
        ("timeout" = Option<String>, Query, description = "At most 60s. Default: 30s.")),
    responses((status = 200, body = wire::Job), description::ReadOne))]
pub async fn get(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let query = Query::parse(request.query_string(), &["wait", "timeout"])?;
    let is_finished = |it: &Job| it.state.is_finished();
    json(wire::Job::from(wait::until_finished(&app, &query, is_finished, || load(&app, id)).await?))
}

/// Change the priority of an unfinished job.
#[utoipa::path(patch, path = "/jobs/{id}", tag = "jobs", params(("id" = Uuid, Path)), request_body = PatchJob,
    responses((status = 200, body = wire::Job), description::WriteOne, description::Conflict))]
pub async fn patch(app: Data<App>, Id(id): Id, body: Json<PatchJob>) -> ApiResult {
    let PatchJob { priority, reason, actor } = body.value;
    let priority = convert::priority(priority)?;
    let audit = api_audit(Reason { reason, actor })?;
    let answer = app.store.prioritize_job(id, priority, &audit).await?.ok_or_else(|| not_found(id))?;
    if !answer.changed {
        let hint = "Only the priority of an unfinished job can be changed.";
        return Err(ApiError::InvalidState {
            what: "job",
            verb: "changed",
            was: answer.previous_state.to_string(),
            hint,
        });
    }
    json(wire::Job::from(load(&app, id).await?))
}

/// List the events of a job, newest first.
#[utoipa::path(get, path = "/jobs/{id}/events", tag = "jobs", params(("id" = Uuid, Path), description::Paging),
    responses((status = 200, body = [wire::Event]), description::ReadOne))]
pub async fn events(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let query = Query::parse(request.query_string(), &["limit", "cursor"])?;
    let limit = query.limit()?;
    let rows = app.store.events_of_job(id, query.cursor()?, limit + 1).await?;
    if rows.is_empty() {
        load(&app, id).await?;
    }
    page::<wire::Event, _, _>(&request, rows, limit, |last| last.id)
}

/// List the attempts of a job, latest first.
#[utoipa::path(get, path = "/jobs/{id}/executions", tag = "jobs", params(("id" = Uuid, Path), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = [wire::Execution]), description::ReadOne))]
pub async fn executions(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let query = Query::parse(request.query_string(), &["limit"])?;
    let rows = app.store.executions_of_job(id, query.limit()?).await?;
    if rows.is_empty() {
        load(&app, id).await?;
    }
    json_list::<wire::Execution, _>(rows)
}

/// Explain the state of a job: why it waits, and which actions are possible.
#[utoipa::path(get, path = "/jobs/{id}/explain", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, body = JobExplanation), description::ReadOne))]
pub async fn explain(app: Data<App>, Id(id): Id) -> ApiResult {
    json(explain::explanation(&app, &load(&app, id).await?).await?)
}

/// Get a job with its explanation, attempts, events and followers.
#[utoipa::path(get, path = "/jobs/{id}/inspection", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Inspection), description::ReadOne))]
pub async fn inspection(app: Data<App>, Id(id): Id) -> ApiResult {
    let job = load(&app, id).await?;
    let waiting = explain::explanation(&app, &job).await?;
    let executions = app.store.executions_of_job(id, MAX_INSPECTED).await?;
    let events = app.store.events_of_job(id, None, MAX_INSPECTED).await?;
    let followers = app.store.followers_of_job(id, MAX_INSPECTED).await?;
    json(Inspection {
        job: job.into(),
        waiting,
        executions: executions.into_iter().map(wire::Execution::from).collect(),
        events: events.into_iter().map(wire::Event::from).collect(),
        followers: followers.into_iter().map(wire::Job::from).collect(),
    })
}

/// The job, or a 404 problem.
pub async fn load(app: &App, id: Uuid) -> Result<Job, ApiError> {
    app.store.get_job(id).await?.ok_or_else(|| not_found(id))
}

/// The 404 problem of a job.
pub fn not_found(id: Uuid) -> ApiError {
    ApiError::not_found("job", id)
}
