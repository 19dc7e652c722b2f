//! `/openapi.json`: the API description, generated from the handlers.

use actix_web::HttpResponse;
use utoipa::OpenApi;

use crate::web::api::{
    clusters, credentials, dead_letters, drift, events, health, internal, jobs, limits, metrics, projects, queues,
    schedules, schemas, stats, templates, workers, workflows,
};
use crate::wire;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Provost",
        description = "A control plane for projects and durable jobs. All paths are served at the root and under /api/v1. \
                       Errors are RFC 9457 problem details with a stable `code` and the `request_id`.",
        license(name = "MIT OR Apache-2.0"),
        contact()
    ),
    servers((url = "/api/v1"), (url = "/")),
    tags(
        (name = "projects", description = "Projects and their lifecycle"),
        (name = "jobs", description = "Units of durable work"),
        (name = "dead letters", description = "Jobs that failed permanently"),
        (name = "queues", description = "Queues of jobs"),
        (name = "workers", description = "Processes that run jobs"),
        (name = "drift", description = "Differences between what the projects say and what exists"),
        (name = "templates", description = "Recipes for projects"),
        (name = "clusters", description = "PostgreSQL servers in which projects get their databases"),
        (name = "internal", description = "Protocol of remote workers"),
        (name = "limits", description = "Rate and concurrency limits"),
        (name = "workflows", description = "Jobs with dependencies between them"),
        (name = "schedules", description = "Recurring jobs, workflows and project actions"),
        (name = "schemas", description = "JSON Schemas of payloads"),
        (name = "statistics", description = "Statistics and events"),
        (name = "operations", description = "Health, metrics and the API description")
    ),
    paths(
        projects::create, projects::list, projects::get, projects::patch, projects::by_name::get, projects::by_name::put, projects::verbs::delete,
        projects::verbs::undelete, projects::verbs::extend, projects::verbs::retry, projects::events,
        templates::list, templates::get, clusters::list, clusters::get, credentials::reissue,
        projects::verbs::pause, projects::verbs::resume, projects::verbs::undo, projects::verbs::skip, projects::clone::clone, projects::verbs::rotate, projects::verbs::cancel, projects::verbs::force, projects::access::outputs, projects::access::reveal,
        projects::operations::list, projects::operations::steps,
        projects::explain::explain, drift::list, drift::observe, drift::adopt, drift::quarantine, drift::remove,
        projects::terraform::get, projects::terraform::put, projects::terraform::remove, projects::terraform::versions,
        jobs::create::create, jobs::list, jobs::get, jobs::patch, jobs::actions::cancel, jobs::actions::retry, jobs::actions::run_again,
        jobs::events, jobs::executions, jobs::explain, jobs::inspection, jobs::actions::cancel_many, jobs::actions::retry_many,
        jobs::logs::of_execution, jobs::logs::of_job,
        workflows::list, workflows::create, workflows::thumbnail, workflows::get, workflows::graph, workflows::graph_of_job,
        workflows::events, workflows::actions::cancel, workflows::actions::retry,
        dead_letters::list, dead_letters::groups, dead_letters::replay, dead_letters::delete,
        queues::list, queues::create, queues::get, queues::patch, queues::pause, queues::resume, queues::drain,
        workers::list, workers::get, workers::executions, workers::cordon, workers::uncordon, workers::drain, workers::forget,
        internal::dequeue::dequeue, internal::heartbeat::one, internal::heartbeat::all, internal::heartbeat::leave,
        internal::result::result, internal::result::release, internal::logs::append,
        internal::steps::list, internal::steps::record, internal::steps::read_secret, internal::steps::store_secret,
        internal::steps::forget_secret, internal::steps::run_token,
        limits::list, limits::put, limits::get, limits::remove,
        schedules::list, schedules::put, schedules::get, schedules::patch, schedules::remove, schedules::times::preview,
        schedules::times::next, schedules::times::ticks, schedules::actions::run, schedules::actions::pause,
        schedules::actions::resume, schedules::actions::backfill,
        schemas::list, schemas::put, schemas::remove,
        stats::stats, events::list, events::stream::stream,
        metrics::metrics, metrics::prometheus, health::health, health::alive, health::ready, serve
    ),
    components(schemas(wire::Problem, wire::FieldProblem))
)]
struct Description;

/// The API description as JSON text.
pub fn document() -> String {
    // Serializing a generated document cannot fail.
    Description::openapi().to_pretty_json().unwrap_or_default()
}

/// Get this document.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, description = "OpenAPI 3.1")))]
pub async fn serve() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document())
}
