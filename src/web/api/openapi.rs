//! The API's own description, generated from the handlers.

use actix_web::HttpResponse;
use utoipa::OpenApi;

use crate::web::api::projects::explain;
use crate::web::api::{
    dead_letters, health, internal, jobs, limits, metrics, projects, queues, schedules, schemas, stats, stream,
    workers, workflows,
};
use crate::wire;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Provost",
        description = "A control plane: ask for projects, watch them become ready. The same routes are served at the root and under /api/v1. \
                       Errors are RFC 9457 problems with a stable `code` and the `request_id`.",
        license(name = "MIT OR Apache-2.0"),
        contact()
    ),
    servers((url = "/api/v1"), (url = "/")),
    tags((name = "projects", description = "What people ask for"), (name = "jobs", description = "Units of durable work"),
        (name = "dead letters", description = "Jobs that failed for good"), (name = "queues", description = "What waits where"),
        (name = "workers", description = "Who does it"), (name = "internal", description = "What workers without a database speak"), (name = "limits", description = "How often, or how many at once"),
        (name = "workflows", description = "Jobs that wait for jobs"), (name = "schedules", description = "What starts by itself"), (name = "schemas", description = "What payloads look like"), (name = "statistics", description = "Numbers and the record"), (name = "operations", description = "For those who run it")),
    paths(
        projects::create, projects::list, projects::get, projects::patch, projects::delete, projects::retry,
        projects::events::events, explain::explain,
        jobs::create, jobs::list, jobs::get, jobs::patch, jobs::cancel, jobs::retry, jobs::run_again, jobs::events, jobs::executions,
        jobs::explain, jobs::inspection, jobs::cancel_many, jobs::retry_many, workflows::graph_of_job,
        workflows::list, workflows::create, workflows::thumbnail, workflows::get, workflows::graph, workflows::events, workflows::cancel, workflows::retry,
        dead_letters::list, dead_letters::groups, dead_letters::replay, dead_letters::delete,
        queues::list, queues::create, queues::get, queues::patch, queues::pause, queues::resume, queues::drain,
        workers::list, workers::get, workers::executions, workers::cordon, workers::uncordon, workers::drain, workers::forget,
        internal::dequeue::dequeue, internal::heartbeat::one, internal::heartbeat::all, internal::heartbeat::leave, internal::result::result,
        internal::result::release, internal::logs::append, internal::logs::of_execution, internal::logs::of_job,
        limits::list, limits::put, limits::get, limits::remove,
        schedules::list, schedules::put, schedules::preview, schedules::get, schedules::patch, schedules::remove, schedules::next,
        schedules::ticks, schedules::run, schedules::pause, schedules::resume, schedules::backfill, schemas::list, schemas::put, schemas::remove,
        stats::stats, stats::events, stream::stream,
        metrics::metrics, metrics::prometheus, health::health, health::alive, health::ready, serve
    ),
    components(schemas(wire::Problem, wire::FieldProblem))
)]
struct Description;

/// The document as JSON text.
pub fn document() -> String {
    // A document that the compiler made cannot fail to be JSON.
    Description::openapi().to_pretty_json().unwrap_or_default()
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, description = "OpenAPI 3.1")))]
pub async fn serve() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document())
}
