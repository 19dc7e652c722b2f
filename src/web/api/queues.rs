//! `/queues`.

use actix_web::HttpRequest;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;

use crate::domain::{Ident, LimitMode, LimitScope, QueueState};
use crate::store::Audit;
use crate::store::limits::Limit;
use crate::store::queues::Queue;
use crate::web::api::audit::{API, api_audit, audit};
use crate::web::api::description;
use crate::web::api::response::{created, json, list as json_list};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Json, Name, OptionalJson};
use crate::web::query::Query;
use crate::wire::{self, CreateQueue, PatchQueue, Reason};

/// List queues by name.
#[utoipa::path(get, path = "/queues", tag = "queues", responses((status = 200, body = [wire::Queue]), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    Query::parse(request.query_string(), &[])?;
    json_list::<wire::Queue, _>(app.store.list_queues(None, app.max_heartbeat_age()).await?)
}

/// Create a queue. Queues are also created by their first job.
#[utoipa::path(post, path = "/queues", tag = "queues", request_body = CreateQueue,
    responses((status = 200, body = wire::Queue, description = "The queue already existed"), (status = 201, body = wire::Queue), description::Write))]
pub async fn create(app: Data<App>, request: HttpRequest, body: Json<CreateQueue>) -> ApiResult {
    let name = Ident::parse(&body.value.name).map_err(|error| ApiError::field("name", error))?;
    let concurrency = body.value.concurrency.map(|it| limit_value("concurrency", it)).transpose()?;
    let audit = audit(API, None)?;
    let is_new = app.store.create_queue(name.as_str(), &audit).await?;
    if concurrency.is_some() {
        set_concurrency(&app, name.as_str(), concurrency, &audit).await?;
    }
    Ok(created(is_new)
        .insert_header((LOCATION, format!("{}/{name}", request.path())))
        .json(wire::Queue::from(load(&app, name.as_str()).await?)))
}

/// Get a queue.
#[utoipa::path(get, path = "/queues/{name}", tag = "queues", params(("name" = String, Path)),
    responses((status = 200, body = wire::Queue), description::ReadOne))]
pub async fn get(app: Data<App>, Name(name): Name) -> ApiResult {
    json(wire::Queue::from(load(&app, &name).await?))
}

/// Change the concurrency of a queue: how many of its jobs may be active at once.
#[utoipa::path(patch, path = "/queues/{name}", tag = "queues", params(("name" = String, Path)), request_body = PatchQueue,
    responses((status = 200, body = wire::Queue), description::WriteOne))]
pub async fn patch(app: Data<App>, Name(name): Name, body: Json<PatchQueue>) -> ApiResult {
    let concurrency = body.value.concurrency.map(|it| limit_value("concurrency", it)).transpose()?;
    let audit = audit(API, body.value.reason)?;
    load(&app, &name).await?;
    set_concurrency(&app, &name, concurrency, &audit).await?;
    json(wire::Queue::from(load(&app, &name).await?))
}

state_actions! {
    tag: "queues", parameter: "name", body: Queue, set: set_state;

    /// Pause a queue. Workers stop claiming its jobs; active jobs finish and new jobs are accepted.
    pause "/queues/{name}/pause" => QueueState::Paused;
    /// Resume a paused or draining queue.
    resume "/queues/{name}/resume" => QueueState::Active;
    /// Drain a queue. New jobs are refused (409 `queue_draining`); waiting jobs still run.
    drain "/queues/{name}/drain" => QueueState::Draining;
}

async fn set_state(app: &App, name: &str, state: QueueState, audit: &Audit) -> Result<wire::Queue, ApiError> {
    app.store.set_queue_state(name, state, audit).await?.ok_or_else(|| not_found(name))?;
    Ok(load(app, name).await?.into())
}

/// The queue, or a 404 problem.
pub async fn load(app: &App, name: &str) -> Result<Queue, ApiError> {
    app.store.list_queues(Some(name), app.max_heartbeat_age()).await?.pop().ok_or_else(|| not_found(name))
}

/// The 404 problem of a queue.
pub fn not_found(name: &str) -> ApiError {
    ApiError::not_found("queue", name)
}

/// Sets or removes the concurrency of a queue, which is a limit with a reserved name.
pub async fn set_concurrency(app: &App, queue: &str, max: Option<i32>, audit: &Audit) -> Result<(), ApiError> {
    let name = format!("queue:{queue}");
    let Some(max) = max else {
        app.store.remove_limit(&name, audit).await?;
        return Ok(());
    };
    let limit = Limit {
        name,
        scope: LimitScope::Queue,
        value: Some(queue.to_owned()),
        mode: LimitMode::Concurrency,
        max,
        window: None,
        burst: None,
        enabled: true,
    };
    app.store.put_limit(&limit, audit).await?;
    Ok(())
}

/// The value of a limit, within the range of the database.
pub fn limit_value(field: &str, n: i64) -> Result<i32, ApiError> {
    let value = i32::try_from(n).ok().filter(|it| (0..=1_000_000).contains(it));
    value.ok_or_else(|| ApiError::field(field, "must be a whole number from 0 to 1000000"))
}

fn state_description(state: QueueState) -> &'static str {
    match state {
        QueueState::Active => "Jobs are accepted and run.",
        QueueState::Paused => {
            "New jobs are accepted but wait; workers claim no jobs until the queue is resumed. Active jobs finish."
        }
        QueueState::Draining => "New jobs are refused with 409; waiting jobs still run.",
    }
}

impl From<Queue> for wire::Queue {
    fn from(row: Queue) -> Self {
        Self {
            name: row.name,
            state: row.state.to_string(),
            reason: row.reason,
            actor: row.actor,
            changed_at: row.changed_at,
            waiting: row.waiting,
            scheduled: row.scheduled,
            retrying: row.retrying,
            blocked: row.blocked,
            active: row.active,
            failed: row.failed,
            oldest_waiting_at: row.oldest_due_at,
            in_per_minute: row.in_per_minute,
            out_per_minute: row.out_per_minute,
            workers: row.workers,
            concurrency: row.concurrency,
            meaning: state_description(row.state).to_owned(),
            created_at: row.created_at,
        }
    }
}
