//! Heartbeats of remote workers.

use actix_web::web::Data;

use crate::domain::Progress;
use crate::store::jobs::LeasedExecution;
use crate::store::workers::Worker;
use crate::web::api::description;
use crate::web::api::internal::token_scope::{MAX_EXECUTIONS, TokenScope};
use crate::web::api::internal::{checked_id, lease_of, millis};
use crate::web::api::response::{json, no_content};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, LargeBody, Name, OptionalJson, parse};
use crate::wire;
use crate::wire::internal::{
    Heartbeat, HeartbeatBatch, HeartbeatBatchResponse, HeartbeatResponse, HeldExecution, StillHeld, WorkerInfo,
};

/// Maximum number of characters of a name, and of names, that a worker reports about itself.
const MAX_TEXT: usize = 200;
const MAX_TEXTS: usize = 1000;

/// Extend the lease of one attempt.
#[utoipa::path(put, path = "/internal/executions/{id}/heartbeat", tag = "internal", params(("id" = uuid::Uuid, Path)),
    request_body(content = Option<Heartbeat>),
    responses((status = 200, body = HeartbeatResponse), description::Write, description::Conflict))]
pub async fn one(app: Data<App>, scope: TokenScope, Id(id): Id, body: OptionalJson<Heartbeat>) -> ApiResult {
    let Heartbeat { job_id, progress } = body.0;
    let active = scope.require_active(&app, id, job_id).await?;
    let lease = lease_of(&app, &active.worker_id);
    let leased = LeasedExecution { job_id: active.job_id, execution_id: id, progress: progress.map(Progress::from) };
    let renewed = app.store.heartbeat_jobs(&[leased], lease).await?.pop().ok_or(ApiError::LeaseLost(id))?;
    json(HeartbeatResponse {
        lease_ttl_ms: millis(lease),
        cancel: renewed.canceled.is_some(),
        reason: renewed.canceled.filter(|reason| !reason.is_empty()),
        drain: active.drain,
    })
}

/// Extend the leases of all attempts of a worker. The worker appears in the list of workers, where it can be cordoned and drained.
#[utoipa::path(post, path = "/internal/executions/heartbeat", tag = "internal", request_body = HeartbeatBatch,
    responses((status = 200, body = HeartbeatBatchResponse), description::Write, description::Forbidden))]
pub async fn all(app: Data<App>, scope: TokenScope, LargeBody(body): LargeBody) -> ApiResult {
    let HeartbeatBatch { worker, executions } = parse(&body)?;
    if executions.len() > MAX_EXECUTIONS {
        return Err(ApiError::field("executions", format!("must be at most {MAX_EXECUTIONS}")));
    }
    let (busy, draining) = (usize::try_from(worker.busy).unwrap_or_default(), worker.draining);
    let worker = checked_worker(worker, &scope)?;
    let leased = |it: &HeldExecution| LeasedExecution {
        job_id: it.job_id,
        execution_id: it.execution_id,
        progress: it.progress.clone().map(Progress::from),
    };
    let mut own: Vec<LeasedExecution> = executions.iter().map(leased).collect();
    scope.retain_own(&app, &worker.id, &mut own).await?;
    let renewed = app.store.heartbeat_jobs(&own, app.config.lease_ttl).await?;
    let state = app.store.heartbeat_worker(&worker, draining, busy).await?;
    let is_renewed = |id| renewed.iter().any(|lease| lease.execution_id == id);
    let lost = executions.iter().map(|it| it.execution_id).filter(|id| !is_renewed(*id)).collect();
    let held = renewed.iter().map(|it| StillHeld { execution_id: it.execution_id, cancel: it.canceled.clone() });
    json(HeartbeatBatchResponse {
        held: held.collect(),
        lost,
        worker_state: state.to_string(),
        lease_ttl_ms: millis(app.config.lease_ttl),
    })
}

/// Remove a worker that is shutting down. Its remaining jobs are released when their leases expire.
#[utoipa::path(post, path = "/internal/workers/{worker}/leave", tag = "internal", params(("worker" = String, Path)),
    responses((status = 204, description = "Removed, or never registered"), description::Read))]
pub async fn leave(app: Data<App>, scope: TokenScope, Name(worker): Name) -> ApiResult {
    app.store.leave_worker(&scope.worker_id(worker)).await?;
    no_content()
}

impl From<wire::internal::Progress> for Progress {
    fn from(progress: wire::internal::Progress) -> Self {
        Self::of(progress.fraction, &progress.text)
    }
}

fn checked_worker(info: WorkerInfo, scope: &TokenScope) -> Result<Worker, ApiError> {
    let texts = [&info.host, &info.incarnation, &info.version].into_iter().chain(&info.queues).chain(&info.kinds);
    let is_invalid = |text: &String| text.chars().count() > MAX_TEXT || text.chars().any(char::is_control);
    if texts.clone().any(is_invalid) || texts.count() > MAX_TEXTS || !(0..=1000).contains(&info.slots) {
        let message = "must have at most 1000 names of up to 200 visible characters, and 0 to 1000 slots";
        return Err(ApiError::field("worker", message));
    }
    Ok(Worker {
        id: scope.worker_id(checked_id("worker.id", info.id)?),
        host: info.host,
        pid: info.pid,
        incarnation: info.incarnation,
        version: info.version,
        queues: scope.queues(info.queues)?,
        kinds: info.kinds,
        slots: info.slots,
    })
}
