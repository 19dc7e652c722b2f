//! Heartbeats of workers elsewhere: of one execution, or of a whole process.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::Progress;
use crate::store::jobs::LeasedExecution;
use crate::store::workers::Worker;
use crate::web::api::internal::{Badge, checked_id, lease_of, millis};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Id, Many, OptionalJson, name_in_path, parse};
use crate::wire::internal::{
    Heartbeat, HeartbeatAnswer, HeartbeatBatch, HeartbeatBatchAnswer, HeldExecution, StillHeld, WorkerInfo,
};
use crate::wire::{self, Problem};

/// The most executions of one process.
pub(super) const MOST: usize = 2000;

/// I am still at work on this one.
#[utoipa::path(put, path = "/internal/executions/{id}/heartbeat", tag = "internal", params(("id" = uuid::Uuid, Path)), request_body(content = Option<Heartbeat>),
    responses((status = 200, body = HeartbeatAnswer), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "`lease_lost`: stop"), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn one(
    app: Data<App>,
    badge: Badge,
    Id(id): Id,
    body: OptionalJson<Heartbeat>,
) -> Result<HttpResponse, ApiError> {
    let Heartbeat { job_id, progress } = body.0;
    let active = badge.current(&app, id, job_id).await?;
    let lease = lease_of(&app, &active.worker_id);
    let held = LeasedExecution { job_id: active.job_id, execution_id: id, progress: progress.map(shown) };
    let beat = app.store.heartbeat_jobs(&[held], lease).await?.pop().ok_or(ApiError::LeaseLost(id))?;
    let reason = beat.canceled.clone().filter(|reason| !reason.is_empty());
    Ok(HttpResponse::Ok().json(HeartbeatAnswer {
        lease_ttl_ms: millis(lease),
        cancel: beat.canceled.is_some(),
        reason,
        drain: active.drain,
    }))
}

/// I am here, and still at work on all of these. Whoever says so is shown among the workers, and can be cordoned and drained.
#[utoipa::path(post, path = "/internal/executions/heartbeat", tag = "internal", request_body = HeartbeatBatch,
    responses((status = 200, body = HeartbeatBatchAnswer), (status = 400, body = Problem), (status = 403, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn all(app: Data<App>, badge: Badge, Many(body): Many) -> Result<HttpResponse, ApiError> {
    let HeartbeatBatch { worker, executions } = parse(&body)?;
    if executions.len() > MOST {
        return Err(ApiError::field("executions", format!("must be at most {MOST}")));
    }
    let (busy, draining) = (usize::try_from(worker.busy).unwrap_or_default(), worker.draining);
    let worker = checked(worker, &badge)?;
    let holding = |it: &HeldExecution| LeasedExecution {
        job_id: it.job_id,
        execution_id: it.execution_id,
        progress: it.progress.clone().map(shown),
    };
    let mut asked: Vec<LeasedExecution> = executions.iter().map(holding).collect();
    badge.held(&app, &worker.id, &mut asked).await?;
    let beats = app.store.heartbeat_jobs(&asked, app.config.lease_ttl).await?;
    let state = app.store.heartbeat_worker(&worker, draining, busy).await?;
    let is_held = |id| beats.iter().any(|beat| beat.execution_id == id);
    let lost = executions.iter().map(|it| it.execution_id).filter(|id| !is_held(*id)).collect();
    let held = beats.iter().map(|it| StillHeld { execution_id: it.execution_id, cancel: it.canceled.clone() });
    Ok(HttpResponse::Ok().json(HeartbeatBatchAnswer {
        held: held.collect(),
        lost,
        worker_state: state.to_string(),
        lease_ttl_ms: millis(app.config.lease_ttl),
    }))
}

/// I am going, in good order. What it still holds is taken back when the leases end.
#[utoipa::path(post, path = "/internal/workers/{worker}/leave", tag = "internal", params(("worker" = String, Path)),
    responses((status = 204, description = "Gone, or never there"), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn leave(app: Data<App>, badge: Badge, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    app.store.leave_worker(&badge.name(name_in_path(&request, "worker"))).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn shown(it: wire::internal::Progress) -> Progress {
    Progress::of(it.fraction, &it.text)
}

/// The most characters of what a worker says of itself, and words in its lists.
const MAX_TEXT: usize = 200;
const MAX_WORDS: usize = 1000;

fn checked(it: WorkerInfo, badge: &Badge) -> Result<Worker, ApiError> {
    let texts = [&it.host, &it.incarnation, &it.version].into_iter().chain(&it.queues).chain(&it.kinds);
    let odd = |text: &String| text.chars().count() > MAX_TEXT || text.chars().any(char::is_control);
    if texts.clone().any(odd) || texts.count() > MAX_WORDS || !(0..=1000).contains(&it.slots) {
        let wanted = "must have names of up to 200 visible characters, up to 1000 of them, and 0 to 1000 slots";
        return Err(ApiError::field("worker", wanted));
    }
    Ok(Worker {
        id: badge.name(checked_id("worker.id", it.id)?),
        host: it.host,
        pid: it.pid,
        incarnation: it.incarnation,
        version: it.version,
        queues: badge.queues(it.queues)?,
        kinds: it.kinds,
        slots: it.slots,
    })
}
