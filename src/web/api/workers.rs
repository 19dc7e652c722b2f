//! `/workers`: who is there to do it.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::WorkerState;
use crate::store::workers::RegisteredWorker;
use crate::web::api::convert;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{OptionalJson, name_in_path};
use crate::web::query::Query;
use crate::wire::{self, Problem, Reason};

/// The most executions of a worker that are shown.
const HELD: i64 = 1000;

/// The workers; those that have been silent for longer than a lease are lost.
#[utoipa::path(get, path = "/workers", tag = "workers", params(("queue" = Option<String>, Query, description = "Only those that serve it"),
        ("state" = Option<String>, Query)),
    responses((status = 200, body = [wire::Worker]), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["queue", "state"])?;
    let wanted = match query.get("state") {
        Some(word) => Some(
            WorkerState::parse(word)
                .ok_or_else(|| ApiError::parameter("state", "must be one of online, cordoned, draining, lost"))?,
        ),
        None => None,
    };
    let mut workers = app.store.list_workers(None, query.get("queue"), app.silence()).await?;
    workers.retain(|it| wanted.is_none_or(|state| it.state == state));
    Ok(HttpResponse::Ok().json(workers.into_iter().map(wire::Worker::from).collect::<Vec<_>>()))
}

/// One worker.
#[utoipa::path(get, path = "/workers/{worker}", tag = "workers", params(("worker" = String, Path)),
    responses((status = 200, body = wire::Worker), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(wire::Worker::from(found(&app, &id_of(&request)).await?)))
}

/// What it holds right now.
#[utoipa::path(get, path = "/workers/{worker}/executions", tag = "workers", params(("worker" = String, Path)),
    responses((status = 200, body = [wire::Execution]), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn executions(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let id = &id_of(&request);
    found(&app, id).await?;
    let rows = app.store.executions_of_worker(id, HELD).await?;
    Ok(HttpResponse::Ok().json(rows.into_iter().map(|(row, _)| wire::Execution::from(row)).collect::<Vec<_>>()))
}

/// Cordon: it takes no more work, and finishes what it has.
#[utoipa::path(post, path = "/workers/{worker}/cordon", tag = "workers", params(("worker" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Worker), (status = 400, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn cordon(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    moved(&app, &request, WorkerState::Cordoned, reason.0).await
}

/// Uncordon: it takes work again, also after a drain.
#[utoipa::path(post, path = "/workers/{worker}/uncordon", tag = "workers", params(("worker" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Worker), (status = 400, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn uncordon(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    moved(&app, &request, WorkerState::Online, reason.0).await
}

/// Drain: it takes no more work, and hands back what does not finish within its grace, without spending a failure.
#[utoipa::path(post, path = "/workers/{worker}/drain", tag = "workers", params(("worker" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Worker), (status = 400, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn drain(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    moved(&app, &request, WorkerState::Draining, reason.0).await
}

/// Forget a worker that is lost. Its jobs were taken back when their leases ended; nothing depends on this.
#[utoipa::path(delete, path = "/workers/{worker}", tag = "workers", params(("worker" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 204, description = "Forgotten"), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn forget(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    forget_one(&app, &id_of(&request), reason.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Forgets a worker if it is lost.
pub async fn forget_one(app: &App, id: &str, reason: Reason) -> Result<(), ApiError> {
    let audit = convert::api_audit(reason)?;
    let worker = found(app, id).await?;
    if worker.state != WorkerState::Lost || app.store.forget_workers(Some(id), app.silence(), &audit).await? == 0 {
        let hint = "Only a lost worker can be forgotten; drain it, or end its process.";
        return Err(ApiError::NotNow { what: "worker", verb: "forgotten", was: worker.state.to_string(), hint });
    }
    Ok(())
}

async fn moved(app: &App, request: &HttpRequest, state: WorkerState, reason: Reason) -> Result<HttpResponse, ApiError> {
    let (id, audit) = (&id_of(request), convert::api_audit(reason)?);
    app.store.set_worker_state(id, state, &audit).await?.ok_or_else(|| no_worker(id))?;
    Ok(HttpResponse::Ok().json(wire::Worker::from(found(app, id).await?)))
}

/// The worker, or 404.
pub async fn found(app: &App, id: &str) -> Result<RegisteredWorker, ApiError> {
    app.store.list_workers(Some(id), None, app.silence()).await?.pop().ok_or_else(|| no_worker(id))
}

/// There is no such worker.
pub fn no_worker(id: &str) -> ApiError {
    ApiError::Missing("worker", id.to_owned())
}

/// `{worker}` of the path.
pub fn id_of(request: &HttpRequest) -> String {
    name_in_path(request, "worker")
}

impl From<RegisteredWorker> for wire::Worker {
    fn from(row: RegisteredWorker) -> Self {
        let worker = row.worker;
        Self {
            id: worker.id,
            host: worker.host,
            pid: worker.pid,
            incarnation: worker.incarnation,
            version: worker.version,
            state: row.state.to_string(),
            reason: row.reason,
            actor: row.actor,
            queues: worker.queues,
            kinds: worker.kinds,
            slots: worker.slots,
            busy: row.busy,
            started_at: row.started_at,
            seen_at: row.seen_at,
            heartbeat_age_ms: i64::try_from(row.silent.as_millis()).unwrap_or(i64::MAX),
        }
    }
}
