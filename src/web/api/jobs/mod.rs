//! `/jobs`: have work done, look at it, steer it.

pub mod explain;
pub mod select;

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::{JobKey, JobState, NewJob, new_job::USUAL_WINDOW};
use crate::store::jobs::{Edit, Enqueued, Job};
use crate::web::api::idempotency;
use crate::web::api::jobs::explain as explain_job;
use crate::web::api::jobs::explain::possible;
use crate::web::api::paging::page;
use crate::web::api::{convert, wait};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Id, Json, Many, OptionalJson, below, read, text_of};
use crate::web::query::{JOB_FILTER, Query};
use crate::wire::{self, BulkOutcome, CreateJob, FieldProblem, Inspection, PatchJob, Problem, Reason, SelectJobs};

/// The most jobs in one request.
const MAX_JOBS: usize = 1000;
/// How much of a job's history an inspection shows.
const INSPECTED: i64 = 100;

/// Have work done: one job, or many as an array or as `{"jobs": […]}`, all of them or none. Answered at once.
#[utoipa::path(post, path = "/jobs", tag = "jobs", request_body = CreateJob,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same as `idempotency_key`; of many jobs, each has it with its number")),
    responses((status = 201, body = wire::Job, description = "The job; an array when an array was sent. `Idempotency-Replayed: true` when it was there before"),
        (status = 400, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn create(app: Data<App>, request: HttpRequest, Many(body): Many) -> Result<HttpResponse, ApiError> {
    let (wishes, is_many) = wishes(text_of(&body)?)?;
    let header = idempotency::key_of(&request, &body)?;
    let mut jobs = Vec::with_capacity(wishes.len());
    for (at, wish) in wishes.into_iter().enumerate() {
        let prefix = if is_many { format!("{at}.") } else { String::new() };
        let named = |problem: FieldProblem| ApiError::field(format!("{prefix}{}", problem.field), problem.message);
        let mut job = wish.checked(app.config.max_attempts).map_err(named)?;
        if let (None, Some(header)) = (&job.key, &header) {
            let key = if is_many { format!("{}#{at}", header.key) } else { header.key.clone() };
            job.key = Some(JobKey { key, hash: header.request_hash.clone(), window: USUAL_WINDOW });
        }
        app.schemas.check(&app, &mut job, &prefix).await?;
        jobs.push(job);
    }
    refuse_repeated_keys(&jobs)?;
    let audit = convert::audit(convert::API, None)?;
    let enqueued = app.store.enqueue_jobs(&jobs, None, &audit.actor, audit.request_id.as_deref()).await?;
    app.telemetry.enqueued.inc_by(enqueued.iter().filter(|it| it.is_new).count() as u64);
    let ids: Vec<Uuid> = enqueued.iter().map(|it| it.id).collect();
    let is_known = |(wish, born): (&NewJob, &Enqueued)| born.is_new && wish.dependencies.is_empty();
    let rows = match jobs.iter().zip(&enqueued).all(is_known) {
        true => jobs.iter().zip(&enqueued).map(|(wish, born)| Job::born(wish, born)).collect(),
        false => app.store.get_jobs(&ids).await?,
    };
    let mut response = HttpResponse::Created();
    if enqueued.iter().all(|it| !it.is_new) {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    let mut jobs: Vec<wire::Job> = rows.into_iter().map(wire::Job::from).collect();
    if is_many {
        return Ok(response.json(jobs));
    }
    let job = jobs.pop().ok_or_else(|| ApiError::Missing("job", ids[0].to_string()))?;
    response.insert_header((LOCATION, format!("{}/{}", request.path(), job.id)));
    Ok(response.json(job))
}

/// One wish, or many; whether they were many.
fn wishes(text: &str) -> Result<(Vec<CreateJob>, bool), ApiError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Batch {
        jobs: Vec<Box<RawValue>>,
    }
    #[derive(Deserialize)]
    struct Probe {
        jobs: Option<serde::de::IgnoredAny>,
    }
    // Each job is read by itself, so that a mistake is named by its job's number whatever kind of mistake it is.
    let many: Vec<Box<RawValue>> = if text.trim_start().starts_with('[') {
        read(text)?
    } else if text.contains("\"jobs\"") && serde_json::from_str::<Probe>(text).is_ok_and(|it| it.jobs.is_some()) {
        read::<Batch>(text)?.jobs
    } else {
        return Ok((vec![read(text)?], false));
    };
    if many.is_empty() || many.len() > MAX_JOBS {
        return Err(ApiError::field("jobs", format!("must be 1 to {MAX_JOBS} jobs; these are {}", many.len())));
    }
    let wishes =
        many.iter().enumerate().map(|(at, wish)| read(wish.get()).map_err(|error| below(&format!("{at}."), error)));
    Ok((wishes.collect::<Result<_, _>>()?, true))
}

/// One request cannot mean one key twice.
fn refuse_repeated_keys(jobs: &[NewJob]) -> Result<(), ApiError> {
    let mut seen = std::collections::HashSet::new();
    for (at, job) in jobs.iter().enumerate() {
        if let Some(key) = &job.key
            && !seen.insert((&job.tenant, &job.kind, &key.key))
        {
            let field = format!("{at}.idempotency_key");
            return Err(ApiError::field(field, "is the key of an earlier job of this request"));
        }
    }
    Ok(())
}

/// Jobs, newest first. The next page is in the `Link` header.
#[utoipa::path(get, path = "/jobs", tag = "jobs",
    params(("state" = Option<String>, Query), ("kind" = Option<String>, Query), ("queue" = Option<String>, Query),
        ("tenant" = Option<String>, Query), ("tag" = Option<String>, Query), ("project" = Option<Uuid>, Query, description = "Of this project"),
        ("error" = Option<String>, Query, description = "Part of its error"), ("id" = Option<String>, Query, description = "The beginning of its id"),
        ("since" = Option<String>, Query, description = "Created since: RFC 3339, or so long ago, like `1h`"),
        ("before" = Option<String>, Query, description = "Created before, in the same words"),
        ("limit" = Option<i64>, Query, description = "1 to 200, 50 unless asked otherwise"), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = [wire::Job], headers(("Link" = String, description = "`rel=\"next\"`: the next page"))),
        (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), JOB_FILTER)?;
    let (filter, limit) = (query.jobs()?, query.limit()?);
    let rows = app.store.list_jobs(&filter, query.cursor()?, limit + 1).await?;
    Ok(page(&request, rows, limit, |last| last.id, wire::Job::from))
}

/// One job. With `?wait=finished`, as soon as it is, or time is up.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs",
    params(("id" = Uuid, Path), ("wait" = Option<String>, Query, description = "`finished`"), ("timeout" = Option<String>, Query, description = "30s unless said otherwise, at most 60s")),
    responses((status = 200, body = wire::Job), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn get(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["wait", "timeout"])?;
    let is_finished = |it: &Job| it.state.is_finished();
    let job = wait::until_finished(&app, &query, is_finished, || found(&app, id)).await?;
    Ok(HttpResponse::Ok().json(wire::Job::from(job)))
}

/// The job, or 404.
pub async fn found(app: &App, id: Uuid) -> Result<Job, ApiError> {
    app.store.get_job(id).await?.ok_or_else(|| no_job(id))
}

/// There is no such job.
pub fn no_job(id: Uuid) -> ApiError {
    ApiError::Missing("job", id.to_string())
}

/// Serve it sooner, or later.
#[utoipa::path(patch, path = "/jobs/{id}", tag = "jobs", params(("id" = Uuid, Path)), request_body = PatchJob,
    responses((status = 200, body = wire::Job), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn patch(app: Data<App>, Id(id): Id, body: Json<PatchJob>) -> Result<HttpResponse, ApiError> {
    let PatchJob { priority, reason, actor } = body.value;
    let priority = convert::priority(priority)?;
    let audit = convert::api_audit(Reason { reason, actor })?;
    let answer = app.store.prioritise_job(id, priority, &audit).await?.ok_or_else(|| no_job(id))?;
    if !answer.moved {
        let hint = "Only a job that is not finished has a priority to change.";
        return Err(ApiError::NotNow { what: "job", verb: "changed", was: answer.was.to_string(), hint });
    }
    Ok(HttpResponse::Ok().json(wire::Job::from(found(&app, id).await?)))
}

/// Stop it. What waits is canceled at once; what is active is asked to stop, and its worker hears of it at its next
/// heartbeat.
#[utoipa::path(post, path = "/jobs/{id}/cancel", tag = "jobs", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Job, description = "Canceled"), (status = 202, body = wire::Job, description = "Active, and asked to stop"),
        (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn cancel(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> Result<HttpResponse, ApiError> {
    let audit = convert::api_audit(reason.0)?;
    let answer = app.store.cancel_jobs(&[id], &audit).await?.pop().ok_or_else(|| no_job(id))?;
    if !answer.canceled && !answer.asked {
        return Err(ApiError::NotNow { what: "job", verb: "canceled", was: answer.was.to_string(), hint: CANCEL_HINT });
    }
    let mut response = if answer.canceled { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    Ok(response.json(wire::Job::from(found(&app, id).await?)))
}

/// What to do when cancelling does not apply.
pub const CANCEL_HINT: &str = "What is finished stays as it is.";
/// What to do when retrying does not apply.
pub const RETRY_HINT: &str =
    "Only a failed job, or one that waits for its time, can be retried; for another, use run-again.";
/// What to do when one should be retried that was given up while it waited for another.
pub const DOOMED_HINT: &str = "It was given up while it waited for a job that will not complete any more; run-again makes a job that waits for nobody.";
/// What to do when a project's job should be retried.
pub const PROJECT_HINT: &str = "It works on a project; retry the project.";

/// Try it again, now. A dead letter is replayed: the same job, its failures forgiven. What waits for its time is due at once.
#[utoipa::path(post, path = "/jobs/{id}/retry", tag = "jobs", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Job), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn retry(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> Result<HttpResponse, ApiError> {
    let audit = convert::api_audit(reason.0)?;
    let answer = app.store.retry_jobs(&[id], &Edit::default(), false, &audit).await?.pop().ok_or_else(|| no_job(id))?;
    if !answer.moved {
        let hint = match answer {
            _ if answer.of_project => PROJECT_HINT,
            _ if answer.is_doomed => DOOMED_HINT,
            _ => RETRY_HINT,
        };
        return Err(ApiError::NotNow { what: "job", verb: "retried", was: answer.was.to_string(), hint });
    }
    Ok(HttpResponse::Ok().json(wire::Job::from(found(&app, id).await?)))
}

/// Do the same again: a new job, a copy of this finished one.
#[utoipa::path(post, path = "/jobs/{id}/run-again", tag = "jobs", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 201, body = wire::Job), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn run_again(
    app: Data<App>,
    request: HttpRequest,
    Id(id): Id,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    let audit = convert::api_audit(reason.0)?;
    let copy = copy_of(&app, id, &audit.actor, audit.request_id.as_deref()).await?;
    let place =
        request.path().trim_end_matches("run-again").trim_end_matches('/').trim_end_matches(&id.to_string()).to_owned();
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("{place}{copy}")))
        .json(wire::Job::from(found(&app, copy).await?)))
}

/// Enqueues a copy of a finished job; its id.
pub async fn copy_of(app: &App, id: Uuid, actor: &str, request_id: Option<&str>) -> Result<Uuid, ApiError> {
    let job = found(app, id).await?;
    if !job.state.is_finished() || job.project_id.is_some() {
        let hint = if job.project_id.is_some() { PROJECT_HINT } else { "It is not finished yet." };
        return Err(ApiError::NotNow { what: "job", verb: "run again", was: job.state.to_string(), hint });
    }
    let copy = convert::copy(&job)?;
    Ok(app.store.enqueue_jobs(&[copy], Some(id), actor, request_id).await?.first().map_or(id, |it| it.id))
}

/// What happened to it, newest first.
#[utoipa::path(get, path = "/jobs/{id}/events", tag = "jobs", params(("id" = Uuid, Path), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = [wire::Event]), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn events(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["limit", "cursor"])?;
    let limit = query.limit()?;
    let rows = app.store.events_of_job(id, query.cursor()?, limit + 1).await?;
    if rows.is_empty() {
        found(&app, id).await?;
    }
    Ok(page(&request, rows, limit, |last| last.id, wire::Event::from))
}

/// How it was tried, latest first.
#[utoipa::path(get, path = "/jobs/{id}/executions", tag = "jobs", params(("id" = Uuid, Path), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = [wire::Execution]), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn executions(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["limit"])?;
    let rows = app.store.executions_of_job(id, query.limit()?).await?;
    if rows.is_empty() {
        found(&app, id).await?;
    }
    Ok(HttpResponse::Ok().json(rows.into_iter().map(wire::Execution::from).collect::<Vec<_>>()))
}

/// The exact reason why it waits, and what can be done.
#[utoipa::path(get, path = "/jobs/{id}/explain", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, body = wire::JobExplanation), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn explain(app: Data<App>, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let job = found(&app, id).await?;
    Ok(HttpResponse::Ok().json(explain_job::waiting(&app, &job).await?))
}

/// Everything about it at once: the job, why it waits, its executions, its record, and the jobs that follow from it.
#[utoipa::path(get, path = "/jobs/{id}/inspection", tag = "jobs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Inspection), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn inspection(app: Data<App>, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let job = found(&app, id).await?;
    let waiting = explain_job::waiting(&app, &job).await?;
    let executions = app.store.executions_of_job(id, INSPECTED).await?;
    let events = app.store.events_of_job(id, None, INSPECTED).await?;
    let followers = app.store.followers_of_job(id, INSPECTED).await?;
    Ok(HttpResponse::Ok().json(Inspection {
        job: job.into(),
        waiting,
        executions: executions.into_iter().map(wire::Execution::from).collect(),
        events: events.into_iter().map(wire::Event::from).collect(),
        followers: followers.into_iter().map(wire::Job::from).collect(),
    }))
}

/// Stop many: those named, or all that match.
#[utoipa::path(post, path = "/jobs/cancel", tag = "jobs", request_body = SelectJobs,
    responses((status = 200, body = BulkOutcome), (status = 400, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn cancel_many(app: Data<App>, body: Json<SelectJobs>) -> Result<HttpResponse, ApiError> {
    let selection = select::selection(body.value)?;
    Ok(HttpResponse::Ok().json(select::cancel(&app, &selection).await?))
}

/// Try many again: those named, or all that match.
#[utoipa::path(post, path = "/jobs/retry", tag = "jobs", request_body = SelectJobs,
    responses((status = 200, body = BulkOutcome), (status = 400, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn retry_many(app: Data<App>, body: Json<SelectJobs>) -> Result<HttpResponse, ApiError> {
    let selection = select::selection(body.value)?;
    Ok(HttpResponse::Ok().json(select::retry(&app, &selection, &Edit::default(), false).await?))
}

/// What can be done with a job now, in words that are also the paths.
pub fn verbs(job: &Job) -> Vec<String> {
    possible(job).into_iter().map(str::to_owned).collect()
}

/// Which states a verb applies to.
pub const CANCELABLE: &[JobState] =
    &[JobState::Scheduled, JobState::Queued, JobState::Blocked, JobState::Retrying, JobState::Active];
/// The same for retrying.
pub const RETRYABLE: &[JobState] = &[JobState::Failed, JobState::Retrying, JobState::Scheduled];
