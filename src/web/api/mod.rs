//! The JSON API: a file or folder per noun. All routes are declared here.

#[macro_use]
mod actions;

pub mod audit;
pub mod clusters;
pub mod credentials;
pub mod dead_letters;
mod description;
pub mod drift;
pub mod events;
pub mod health;
pub mod idempotency;
pub mod internal;
pub mod jobs;
pub mod limits;
pub mod metrics;
pub mod openapi;
pub mod projects;
pub mod queues;
mod response;
pub mod schedules;
pub mod schemas;
pub mod stats;
pub mod templates;
mod wait;
pub mod workers;
pub mod workflows;

use actix_web::web::{self, ServiceConfig, post};

use crate::web::route::{get, method, resource};

/// Registers all routes of the API.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(aliases).configure(own_routes);
}

/// Paths of the reference systems, so that their documented requests work unchanged. Registered first, because `/jobs/{id}` also matches
/// `/jobs/batch`.
fn aliases(config: &mut ServiceConfig) {
    config
        .service(resource("/jobs/batch", &["POST"], [post().to(jobs::create::create)]))
        .service(resource("/rate-limits", &["GET", "POST"], [get().to(limits::list), post().to(limits::put)]))
        .service(resource("/sse/events", &["GET"], [get().to(events::stream::stream)]))
        .service(resource("/schedules/{name}/trigger", &["POST"], [post().to(schedules::actions::run)]))
        .service(resource("/workers/{worker}/resume", &["POST"], [post().to(workers::uncordon)]));
}

fn own_routes(config: &mut ServiceConfig) {
    config
        .service(resource("/projects", &["GET", "POST"], [get().to(projects::list), post().to(projects::create)]))
        .service(resource(
            "/projects/{id}",
            &["GET", "PATCH", "DELETE"],
            [get().to(projects::get), web::patch().to(projects::patch), web::delete().to(projects::verbs::delete)],
        ))
        .service(resource(
            "/projects/by-name/{name}",
            &["GET", "PUT"],
            [get().to(projects::by_name::get), web::put().to(projects::by_name::put)],
        ))
        .service(resource("/projects/{id}/retry", &["POST"], [post().to(projects::verbs::retry)]))
        .service(resource("/clusters", &["GET"], [get().to(clusters::list)]))
        .service(resource("/clusters/{name}", &["GET"], [get().to(clusters::get)]))
        .service(resource("/credentials/reissue", &["POST"], [post().to(credentials::reissue)]))
        .service(resource("/templates", &["GET"], [get().to(templates::list)]))
        .service(resource("/templates/{name}", &["GET"], [get().to(templates::get)]))
        .service(resource("/projects/{id}/undo", &["POST"], [post().to(projects::verbs::undo)]))
        .service(resource("/projects/{id}/skip", &["POST"], [post().to(projects::verbs::skip)]))
        .service(resource("/projects/{id}/clone", &["POST"], [post().to(projects::clone::clone)]))
        .service(resource("/projects/{id}/pause", &["POST"], [post().to(projects::verbs::pause)]))
        .service(resource("/projects/{id}/resume", &["POST"], [post().to(projects::verbs::resume)]))
        .service(resource("/projects/{id}/rotate", &["POST"], [post().to(projects::verbs::rotate)]))
        .service(resource("/projects/{id}/cancel", &["POST"], [post().to(projects::verbs::cancel)]))
        .service(resource("/drift", &["GET"], [get().to(drift::list)]))
        .service(resource("/drift/{id}/adopt", &["POST"], [post().to(drift::adopt)]))
        .service(resource("/drift/{id}/quarantine", &["POST"], [post().to(drift::quarantine)]))
        .service(resource("/drift/{id}/remove", &["POST"], [post().to(drift::remove)]))
        .service(resource("/projects/{id}/observe", &["POST"], [post().to(drift::observe)]))
        .service(resource("/projects/{id}/undelete", &["POST"], [post().to(projects::verbs::undelete)]))
        .service(resource("/projects/{id}/extend", &["POST"], [post().to(projects::verbs::extend)]))
        .service(resource("/projects/{id}/force", &["POST"], [post().to(projects::verbs::force)]))
        .service(resource("/projects/{id}/reveal", &["POST"], [post().to(projects::access::reveal)]))
        .service(resource("/projects/{id}/outputs", &["GET"], [get().to(projects::access::outputs)]))
        .service(resource("/projects/{id}/operations", &["GET"], [get().to(projects::operations::list)]))
        .service(resource("/projects/{id}/steps", &["GET"], [get().to(projects::operations::steps)]))
        .service(resource(
            "/projects/{id}/terraform/state",
            &["GET", "POST", "DELETE", "LOCK", "UNLOCK"],
            [
                get().to(projects::terraform::get),
                post().to(projects::terraform::put),
                web::delete().to(projects::terraform::remove),
                method("LOCK").to(projects::terraform::lock),
                method("UNLOCK").to(projects::terraform::unlock),
            ],
        ))
        .service(resource("/projects/{id}/terraform/versions", &["GET"], [get().to(projects::terraform::versions)]))
        .service(resource("/projects/{id}/events", &["GET"], [get().to(projects::events)]))
        .service(resource("/projects/{id}/explain", &["GET"], [get().to(projects::explain::explain)]))
        .service(resource("/jobs", &["GET", "POST"], [get().to(jobs::list), post().to(jobs::create::create)]))
        .service(resource("/jobs/cancel", &["POST"], [post().to(jobs::actions::cancel_many)]))
        .service(resource("/jobs/retry", &["POST"], [post().to(jobs::actions::retry_many)]))
        .service(resource("/jobs/{id}", &["GET", "PATCH"], [get().to(jobs::get), web::patch().to(jobs::patch)]))
        .service(resource("/jobs/{id}/cancel", &["POST"], [post().to(jobs::actions::cancel)]))
        .service(resource("/jobs/{id}/retry", &["POST"], [post().to(jobs::actions::retry)]))
        .service(resource("/jobs/{id}/run-again", &["POST"], [post().to(jobs::actions::run_again)]))
        .service(resource("/jobs/{id}/events", &["GET"], [get().to(jobs::events)]))
        .service(resource("/jobs/{id}/executions", &["GET"], [get().to(jobs::executions)]))
        .service(resource("/jobs/{id}/logs", &["GET"], [get().to(jobs::logs::of_job)]))
        .service(resource("/executions/{id}/logs", &["GET"], [get().to(jobs::logs::of_execution)]))
        .service(resource("/jobs/{id}/explain", &["GET"], [get().to(jobs::explain)]))
        .service(resource("/jobs/{id}/inspection", &["GET"], [get().to(jobs::inspection)]))
        .service(resource("/jobs/{id}/graph", &["GET"], [get().to(workflows::graph_of_job)]))
        .service(resource("/workflows", &["GET", "POST"], [get().to(workflows::list), post().to(workflows::create)]))
        .service(resource("/workflows/demo/thumbnail", &["POST"], [post().to(workflows::thumbnail)]))
        .service(resource("/workflows/{id}", &["GET"], [get().to(workflows::get)]))
        .service(resource("/workflows/{id}/graph", &["GET"], [get().to(workflows::graph)]))
        .service(resource("/workflows/{id}/events", &["GET"], [get().to(workflows::events)]))
        .service(resource("/workflows/{id}/cancel", &["POST"], [post().to(workflows::actions::cancel)]))
        .service(resource("/workflows/{id}/retry", &["POST"], [post().to(workflows::actions::retry)]))
        .service(resource("/dlq", &["GET"], [get().to(dead_letters::list)]))
        .service(resource("/dlq/groups", &["GET"], [get().to(dead_letters::groups)]))
        .service(resource("/dlq/replay", &["POST"], [post().to(dead_letters::replay)]))
        .service(resource("/dlq/delete", &["POST"], [post().to(dead_letters::delete)]))
        .service(resource("/queues", &["GET", "POST"], [get().to(queues::list), post().to(queues::create)]))
        .service(resource("/queues/{name}", &["GET", "PATCH"], [get().to(queues::get), web::patch().to(queues::patch)]))
        .service(resource("/queues/{name}/pause", &["POST"], [post().to(queues::pause)]))
        .service(resource("/queues/{name}/resume", &["POST"], [post().to(queues::resume)]))
        .service(resource("/queues/{name}/drain", &["POST"], [post().to(queues::drain)]))
        .service(resource("/workers", &["GET"], [get().to(workers::list)]))
        .service(resource(
            "/workers/{worker}",
            &["GET", "DELETE"],
            [get().to(workers::get), web::delete().to(workers::forget)],
        ))
        .service(resource("/workers/{worker}/executions", &["GET"], [get().to(workers::executions)]))
        .service(resource("/workers/{worker}/cordon", &["POST"], [post().to(workers::cordon)]))
        .service(resource("/workers/{worker}/uncordon", &["POST"], [post().to(workers::uncordon)]))
        .service(resource("/workers/{worker}/drain", &["POST"], [post().to(workers::drain)]))
        .service(resource("/internal/executions/dequeue", &["POST"], [post().to(internal::dequeue::dequeue)]))
        .service(resource("/internal/executions/heartbeat", &["POST"], [post().to(internal::heartbeat::all)]))
        .service(resource("/internal/executions/{id}/heartbeat", &["PUT"], [web::put().to(internal::heartbeat::one)]))
        .service(resource("/internal/executions/{id}/result", &["PUT"], [web::put().to(internal::result::result)]))
        .service(resource("/internal/executions/{id}/release", &["POST"], [post().to(internal::result::release)]))
        .service(resource("/internal/executions/{id}/logs", &["POST"], [post().to(internal::logs::append)]))
        .service(resource(
            "/internal/executions/{id}/steps",
            &["GET", "PUT"],
            [get().to(internal::steps::list), web::put().to(internal::steps::record)],
        ))
        .service(resource(
            "/internal/executions/{id}/secrets",
            &["PUT"],
            [web::put().to(internal::steps::store_secret)],
        ))
        .service(resource(
            "/internal/executions/{id}/secrets/forget",
            &["POST"],
            [post().to(internal::steps::forget_secret)],
        ))
        .service(resource(
            "/internal/executions/{id}/secrets/read",
            &["POST"],
            [post().to(internal::steps::read_secret)],
        ))
        .service(resource("/internal/executions/{id}/token", &["POST"], [post().to(internal::steps::run_token)]))
        .service(resource("/internal/workers/{worker}/leave", &["POST"], [post().to(internal::heartbeat::leave)]))
        .service(resource("/limits", &["GET", "POST"], [get().to(limits::list), post().to(limits::put)]))
        .service(resource(
            "/limits/{limit}",
            &["GET", "DELETE"],
            [get().to(limits::get), web::delete().to(limits::remove)],
        ))
        .service(resource("/schedules", &["GET", "POST"], [get().to(schedules::list), post().to(schedules::put)]))
        .service(resource("/schedules/preview", &["POST"], [post().to(schedules::times::preview)]))
        .service(resource(
            "/schedules/{name}",
            &["GET", "PATCH", "DELETE"],
            [get().to(schedules::get), web::patch().to(schedules::patch), web::delete().to(schedules::remove)],
        ))
        .service(resource("/schedules/{name}/next", &["GET"], [get().to(schedules::times::next)]))
        .service(resource("/schedules/{name}/ticks", &["GET"], [get().to(schedules::times::ticks)]))
        .service(resource("/schedules/{name}/run", &["POST"], [post().to(schedules::actions::run)]))
        .service(resource("/schedules/{name}/pause", &["POST"], [post().to(schedules::actions::pause)]))
        .service(resource("/schedules/{name}/resume", &["POST"], [post().to(schedules::actions::resume)]))
        .service(resource("/schedules/{name}/backfill", &["POST"], [post().to(schedules::actions::backfill)]))
        .service(resource("/schemas", &["GET"], [get().to(schemas::list)]))
        .service(resource("/schemas/{kind}", &["PUT"], [web::put().to(schemas::put)]))
        .service(resource("/schemas/{kind}/{version}", &["DELETE"], [web::delete().to(schemas::remove)]))
        .service(resource("/stats", &["GET"], [get().to(stats::stats)]))
        .service(resource("/events", &["GET"], [get().to(events::list)]))
        .service(resource("/events/stream", &["GET"], [get().to(events::stream::stream)]))
        .service(resource("/metrics", &["GET"], [get().to(metrics::metrics)]))
        .service(resource("/metrics/prometheus", &["GET"], [get().to(metrics::prometheus)]))
        .service(resource("/health", &["GET"], [get().to(health::health)]))
        .service(resource("/healthz", &["GET"], [get().to(health::alive)]))
        .service(resource("/readyz", &["GET"], [get().to(health::ready)]))
        .service(resource("/openapi.json", &["GET"], [get().to(openapi::serve)]));
}
