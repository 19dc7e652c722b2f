//! `/workers`.

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::domain::WorkerState;
use crate::store::Audit;
use crate::store::workers::RegisteredWorker;
use crate::web::api::audit::api_audit;
use crate::web::api::description;
use crate::web::api::response::{json, list as json_list, no_content};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Name, OptionalJson};
use crate::web::query::Query;
use crate::wire::{self, Reason};

/// Maximum number of attempts listed for a worker.
const MAX_EXECUTIONS: i64 = 1000;

/// List workers. A worker without a heartbeat for longer than a lease is `lost`.
#[utoipa::path(get, path = "/workers", tag = "workers",
    params(("queue" = Option<String>, Query, description = "Workers that serve this queue"), ("state" = Option<String>, Query)),
    responses((status = 200, body = [wire::Worker]), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), &["queue", "state"])?;
    let state = query.get("state").map(|text| {
        let invalid = || ApiError::parameter("state", "must be one of online, cordoned, draining, lost");
        WorkerState::parse(text).ok_or_else(invalid)
    });
    let state = state.transpose()?;
    let mut workers = app.store.list_workers(None, query.get("queue"), app.max_heartbeat_age()).await?;
    workers.retain(|it| state.is_none_or(|state| it.state == state));
    json_list::<wire::Worker, _>(workers)
}

/// Get a worker.
#[utoipa::path(get, path = "/workers/{worker}", tag = "workers", params(("worker" = String, Path)),
    responses((status = 200, body = wire::Worker), description::ReadOne))]
pub async fn get(app: Data<App>, Name(id): Name) -> ApiResult {
    json(wire::Worker::from(load(&app, &id).await?))
}

/// List the attempts that a worker is running.
#[utoipa::path(get, path = "/workers/{worker}/executions", tag = "workers", params(("worker" = String, Path)),
    responses((status = 200, body = [wire::Execution]), description::ReadOne))]
pub async fn executions(app: Data<App>, Name(id): Name) -> ApiResult {
    load(&app, &id).await?;
    let rows = app.store.executions_of_worker(&id, MAX_EXECUTIONS).await?;
    json_list::<wire::Execution, _>(rows.into_iter().map(|(row, _)| row).collect())
}

state_actions! {
    tag: "workers", parameter: "worker", body: Worker, set: set_state;

    /// Cordon a worker. The worker claims no more jobs and finishes its active ones.
    cordon "/workers/{worker}/cordon" => WorkerState::Cordoned;
    /// Uncordon a cordoned or draining worker. The worker claims jobs again.
    uncordon "/workers/{worker}/uncordon" => WorkerState::Online;
    /// Drain a worker. The worker claims no more jobs and releases those that do not finish in time, without counting a failure.
    drain "/workers/{worker}/drain" => WorkerState::Draining;
}

async fn set_state(app: &App, id: &str, state: WorkerState, audit: &Audit) -> Result<wire::Worker, ApiError> {
    app.store.set_worker_state(id, state, audit).await?.ok_or_else(|| not_found(id))?;
    Ok(load(app, id).await?.into())
}

/// Remove a lost worker from the list. Its jobs were already released when their leases expired.
#[utoipa::path(delete, path = "/workers/{worker}", tag = "workers", params(("worker" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 204, description = "Removed"), description::WriteOne, description::Conflict))]
pub async fn forget(app: Data<App>, Name(id): Name, reason: OptionalJson<Reason>) -> ApiResult {
    let audit = api_audit(reason.0)?;
    let worker = load(&app, &id).await?;
    if worker.state != WorkerState::Lost
        || app.store.forget_workers(Some(&id), app.max_heartbeat_age(), &audit).await? == 0
    {
        let hint = "Only a lost worker can be forgotten; drain it or stop its process.";
        return Err(ApiError::InvalidState { what: "worker", verb: "forgotten", was: worker.state.to_string(), hint });
    }
    no_content()
}

/// The worker, or a 404 problem.
pub async fn load(app: &App, id: &str) -> Result<RegisteredWorker, ApiError> {
    app.store.list_workers(Some(id), None, app.max_heartbeat_age()).await?.pop().ok_or_else(|| not_found(id))
}

/// The 404 problem of a worker.
pub fn not_found(id: &str) -> ApiError {
    ApiError::not_found("worker", id)
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
