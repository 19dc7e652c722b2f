//! ANSWERS: HTTP in, HTTP out. Handlers parse, make one call to the store, and convert; they decide nothing and spawn nothing.

mod access;
mod app;
mod assets;
mod convert;
mod dead_letters;
mod error;
mod explain;
mod explain_job;
mod extract;
mod health;
mod idempotency;
mod internal;
mod jobs;
mod limits;
mod metrics;
mod middleware;
mod openapi;
mod pages;
mod paging;
mod projects;
mod query;
mod queues;
mod record;
mod schedules;
mod schemas;
mod select;
mod stats;
mod stream;
mod wait;
mod workers;
mod workflows;

use actix_web::dev::Server;
use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::middleware::{Compress, NormalizePath, from_fn};
use actix_web::web::{self, Data, ServiceConfig, post};
use actix_web::{App as ActixApp, HttpServer, Resource, Route};

pub use app::App;
pub use openapi::document as openapi_document;
pub use schemas::Schemas;
pub use stream::MOST_STREAMS;

/// The HTTP server, listening already. It ends when its handle says so: signals are not its business.
pub fn server(app: App, listener: std::net::TcpListener) -> std::io::Result<Server> {
    let app = Data::new(app);
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(app.clone())
            .wrap(from_fn(access::guard))
            .wrap(Compress::default())
            .wrap(NormalizePath::trim())
            .wrap(from_fn(middleware::frame))
            .configure(routes)
            .default_service(web::to(error::no_route))
    });
    Ok(server
        .workers(2)
        .disable_signals()
        .shutdown_timeout(5)
        .keep_alive(std::time::Duration::from_secs(30))
        .max_connections(4096)
        .listen(listener)?
        .run())
}

/// Every route on one screen. The API is mounted twice: under `/api/v1`, and for short at the root.
fn routes(config: &mut ServiceConfig) {
    let versioned = web::scope("/api/v1").configure(other_names).configure(api);
    config.service(versioned).configure(pages::routes).configure(other_names).configure(api);
}

/// What other systems call the same things, so that their documented requests work as they are. They stand before ours:
/// `/jobs/batch` must not be taken for a job of that name.
fn other_names(config: &mut ServiceConfig) {
    config
        .service(resource("/jobs/batch", &["POST"], [post().to(jobs::create)]))
        .service(resource("/rate-limits", &["GET", "POST"], [get().to(limits::list), post().to(limits::put)]))
        .service(resource("/sse/events", &["GET"], [get().to(stream::stream)]))
        .service(resource("/schedules/{name}/trigger", &["POST"], [post().to(schedules::run)]))
        .service(resource("/workers/{worker}/resume", &["POST"], [post().to(workers::uncordon)]));
}

fn api(config: &mut ServiceConfig) {
    config
        .service(resource("/projects", &["GET", "POST"], [get().to(projects::list), post().to(projects::create)]))
        .service(resource(
            "/projects/{id}",
            &["GET", "PATCH", "DELETE"],
            [get().to(projects::get), web::patch().to(projects::patch), web::delete().to(projects::delete)],
        ))
        .service(resource("/projects/{id}/retry", &["POST"], [post().to(projects::retry)]))
        .service(resource("/projects/{id}/events", &["GET"], [get().to(record::events)]))
        .service(resource("/projects/{id}/explain", &["GET"], [get().to(explain::explain)]))
        .service(resource("/jobs", &["GET", "POST"], [get().to(jobs::list), post().to(jobs::create)]))
        .service(resource("/jobs/cancel", &["POST"], [post().to(jobs::cancel_many)]))
        .service(resource("/jobs/retry", &["POST"], [post().to(jobs::retry_many)]))
        .service(resource("/jobs/{id}", &["GET", "PATCH"], [get().to(jobs::get), web::patch().to(jobs::patch)]))
        .service(resource("/jobs/{id}/cancel", &["POST"], [post().to(jobs::cancel)]))
        .service(resource("/jobs/{id}/retry", &["POST"], [post().to(jobs::retry)]))
        .service(resource("/jobs/{id}/run-again", &["POST"], [post().to(jobs::run_again)]))
        .service(resource("/jobs/{id}/events", &["GET"], [get().to(jobs::events)]))
        .service(resource("/jobs/{id}/executions", &["GET"], [get().to(jobs::executions)]))
        .service(resource("/jobs/{id}/logs", &["GET"], [get().to(internal::logs::of_job)]))
        .service(resource("/executions/{id}/logs", &["GET"], [get().to(internal::logs::of_execution)]))
        .service(resource("/jobs/{id}/explain", &["GET"], [get().to(jobs::explain)]))
        .service(resource("/jobs/{id}/inspection", &["GET"], [get().to(jobs::inspection)]))
        .service(resource("/jobs/{id}/graph", &["GET"], [get().to(workflows::graph_of_job)]))
        .service(resource("/workflows", &["GET", "POST"], [get().to(workflows::list), post().to(workflows::create)]))
        .service(resource("/workflows/demo/thumbnail", &["POST"], [post().to(workflows::thumbnail)]))
        .service(resource("/workflows/{id}", &["GET"], [get().to(workflows::get)]))
        .service(resource("/workflows/{id}/graph", &["GET"], [get().to(workflows::graph)]))
        .service(resource("/workflows/{id}/events", &["GET"], [get().to(workflows::events)]))
        .service(resource("/workflows/{id}/cancel", &["POST"], [post().to(workflows::cancel)]))
        .service(resource("/workflows/{id}/retry", &["POST"], [post().to(workflows::retry)]))
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
        .service(resource("/internal/executions/heartbeat", &["POST"], [post().to(internal::beat::all)]))
        .service(resource("/internal/executions/{id}/heartbeat", &["PUT"], [web::put().to(internal::beat::one)]))
        .service(resource("/internal/executions/{id}/result", &["PUT"], [web::put().to(internal::result::result)]))
        .service(resource("/internal/executions/{id}/release", &["POST"], [post().to(internal::result::release)]))
        .service(resource("/internal/executions/{id}/logs", &["POST"], [post().to(internal::logs::append)]))
        .service(resource("/internal/workers/{worker}/leave", &["POST"], [post().to(internal::beat::leave)]))
        .service(resource("/limits", &["GET", "POST"], [get().to(limits::list), post().to(limits::put)]))
        .service(resource(
            "/limits/{limit}",
            &["GET", "DELETE"],
            [get().to(limits::get), web::delete().to(limits::remove)],
        ))
        .service(resource("/schedules", &["GET", "POST"], [get().to(schedules::list), post().to(schedules::put)]))
        .service(resource("/schedules/preview", &["POST"], [post().to(schedules::preview)]))
        .service(resource(
            "/schedules/{name}",
            &["GET", "PATCH", "DELETE"],
            [get().to(schedules::get), web::patch().to(schedules::patch), web::delete().to(schedules::remove)],
        ))
        .service(resource("/schedules/{name}/next", &["GET"], [get().to(schedules::next)]))
        .service(resource("/schedules/{name}/ticks", &["GET"], [get().to(schedules::ticks)]))
        .service(resource("/schedules/{name}/run", &["POST"], [post().to(schedules::run)]))
        .service(resource("/schedules/{name}/pause", &["POST"], [post().to(schedules::pause)]))
        .service(resource("/schedules/{name}/resume", &["POST"], [post().to(schedules::resume)]))
        .service(resource("/schedules/{name}/backfill", &["POST"], [post().to(schedules::backfill)]))
        .service(resource("/schemas", &["GET"], [get().to(schemas::list)]))
        .service(resource("/schemas/{kind}", &["PUT"], [web::put().to(schemas::put)]))
        .service(resource("/schemas/{kind}/{version}", &["DELETE"], [web::delete().to(schemas::remove)]))
        .service(resource("/stats", &["GET"], [get().to(stats::stats)]))
        .service(resource("/events", &["GET"], [get().to(stats::events)]))
        .service(resource("/events/stream", &["GET"], [get().to(stream::stream)]))
        .service(resource("/metrics", &["GET"], [get().to(metrics::metrics)]))
        .service(resource("/metrics/prometheus", &["GET"], [get().to(metrics::prometheus)]))
        .service(resource("/health", &["GET"], [get().to(health::health)]))
        .service(resource("/healthz", &["GET"], [get().to(health::alive)]))
        .service(resource("/readyz", &["GET"], [get().to(health::ready)]))
        .service(resource("/openapi.json", &["GET"], [get().to(openapi::serve)]));
}

/// A path with its methods; any other method is answered with 405 and what is allowed.
fn resource<const N: usize>(path: &str, allowed: &'static [&'static str], routes: [Route; N]) -> Resource {
    let resource = routes.into_iter().fold(web::resource(path), |resource, route| resource.route(route));
    resource.default_service(web::to(move || error::method_not_allowed(allowed)))
}

/// GET, and HEAD with it.
fn get() -> Route {
    web::route().guard(guard::fn_guard(|context| {
        guard::Method(Method::GET).check(context) || guard::Method(Method::HEAD).check(context)
    }))
}
