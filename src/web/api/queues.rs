//! `/queues`: what waits where, and who may take it.

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::{Ident, LimitMode, LimitScope, QueueState};
use crate::store::Audit;
use crate::store::limits::Limit;
use crate::store::queues::Queue;
use crate::web::api::convert;
use crate::web::api::to_wire::to_wire;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Json, OptionalJson, name_in_path};
use crate::web::query::Query;
use crate::wire::{self, CreateQueue, PatchQueue, Problem, Reason};

/// Over how many minutes in and out are counted.
const FLOW_MINUTES: f64 = 5.0;

/// The queues, by name.
#[utoipa::path(get, path = "/queues", tag = "queues",
    responses((status = 200, body = [wire::Queue]), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Query::parse(request.query_string(), &[])?;
    let queues = app.store.list_queues(None, app.silence()).await?;
    Ok(HttpResponse::Ok().json(queues.into_iter().map(wire::Queue::from).collect::<Vec<_>>()))
}

/// Let there be a queue, also before its first job.
#[utoipa::path(post, path = "/queues", tag = "queues", request_body = CreateQueue,
    responses((status = 200, body = wire::Queue, description = "It was there"), (status = 201, body = wire::Queue), (status = 400, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn create(app: Data<App>, request: HttpRequest, body: Json<CreateQueue>) -> Result<HttpResponse, ApiError> {
    let name = Ident::parse(&body.value.name).map_err(|error| ApiError::field("name", error))?;
    let concurrency = body.value.concurrency.map(|it| bounded("concurrency", it)).transpose()?;
    let audit = convert::audit(convert::API, None)?;
    let is_new = app.store.create_queue(name.as_str(), &audit).await?;
    if concurrency.is_some() {
        set_concurrency(&app, name.as_str(), concurrency, &audit).await?;
    }
    let mut response = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    response.insert_header((LOCATION, format!("{}/{name}", request.path())));
    Ok(response.json(wire::Queue::from(found(&app, name.as_str()).await?)))
}

/// One queue.
#[utoipa::path(get, path = "/queues/{name}", tag = "queues", params(("name" = String, Path)),
    responses((status = 200, body = wire::Queue), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(wire::Queue::from(found(&app, &name_of(&request)).await?)))
}

/// Change how many of its jobs may be active at once.
#[utoipa::path(patch, path = "/queues/{name}", tag = "queues", params(("name" = String, Path)), request_body = PatchQueue,
    responses((status = 200, body = wire::Queue), (status = 400, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn patch(app: Data<App>, request: HttpRequest, body: Json<PatchQueue>) -> Result<HttpResponse, ApiError> {
    let name = &name_of(&request);
    let concurrency = body.value.concurrency.map(|it| bounded("concurrency", it)).transpose()?;
    let audit = convert::audit(convert::API, body.value.reason)?;
    found(&app, name).await?;
    set_concurrency(&app, name, concurrency, &audit).await?;
    Ok(HttpResponse::Ok().json(wire::Queue::from(found(&app, name).await?)))
}

/// Pause: nothing is claimed from it; what runs finishes, what comes waits.
#[utoipa::path(post, path = "/queues/{name}/pause", tag = "queues", params(("name" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Queue), (status = 400, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn pause(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    moved(&app, &request, QueueState::Paused, reason.0).await
}

/// Resume: it gives and takes again.
#[utoipa::path(post, path = "/queues/{name}/resume", tag = "queues", params(("name" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Queue), (status = 400, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn resume(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    moved(&app, &request, QueueState::Active, reason.0).await
}

/// Drain: new jobs are refused (409 `queue_draining`), what waits is worked off.
#[utoipa::path(post, path = "/queues/{name}/drain", tag = "queues", params(("name" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Queue), (status = 400, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn drain(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    moved(&app, &request, QueueState::Draining, reason.0).await
}

async fn moved(app: &App, request: &HttpRequest, state: QueueState, reason: Reason) -> Result<HttpResponse, ApiError> {
    let (name, audit) = (&name_of(request), convert::api_audit(reason)?);
    app.store.set_queue_state(name, state, &audit).await?.ok_or_else(|| no_queue(name))?;
    Ok(HttpResponse::Ok().json(wire::Queue::from(found(app, name).await?)))
}

/// The queue, or 404.
pub async fn found(app: &App, name: &str) -> Result<Queue, ApiError> {
    app.store.list_queues(Some(name), app.silence()).await?.pop().ok_or_else(|| no_queue(name))
}

/// There is no such queue.
pub fn no_queue(name: &str) -> ApiError {
    ApiError::Missing("queue", name.to_owned())
}

/// `{name}` of the path.
pub fn name_of(request: &HttpRequest) -> String {
    name_in_path(request, "name")
}

/// A queue's concurrency is a limit like any other, under the queue's name.
pub async fn set_concurrency(app: &App, queue: &str, most: Option<i32>, audit: &Audit) -> Result<(), ApiError> {
    let name = format!("queue:{queue}");
    let Some(most) = most else {
        app.store.remove_limit(&name, audit).await?;
        return Ok(());
    };
    let limit = Limit {
        name,
        scope: LimitScope::Queue,
        value: Some(queue.to_owned()),
        mode: LimitMode::Concurrency,
        max: most,
        window: None,
        burst: None,
        enabled: true,
    };
    app.store.put_limit(&limit, audit).await?;
    Ok(())
}

/// A count that the database can hold.
pub fn bounded(field: &str, n: i64) -> Result<i32, ApiError> {
    let fits = i32::try_from(n).ok().filter(|it| (0..=1_000_000).contains(it));
    fits.ok_or_else(|| ApiError::field(field, "must be a whole number from 0 to 1000000"))
}

/// What a state means for the jobs of a queue.
pub fn meaning(state: QueueState) -> &'static str {
    match state {
        QueueState::Active => "Jobs are accepted and claimed.",
        QueueState::Paused => {
            "New jobs are accepted and wait; nothing is claimed until it is resumed. What is active finishes."
        }
        QueueState::Draining => "New jobs are refused with 409; what waits is claimed and worked off.",
    }
}

to_wire! { |row: Queue| -> wire::Queue {
    name, state, reason, actor, changed_at, created_at, waiting, scheduled, retrying, blocked, active, failed, workers, concurrency;
    oldest_waiting_at: row.oldest_due_at,
    in_per_minute: row.incoming as f64 / FLOW_MINUTES,
    out_per_minute: row.outgoing as f64 / FLOW_MINUTES,
    meaning: meaning(row.state).to_owned(),
} }
