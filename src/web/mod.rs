//! ANSWERS: HTTP in, HTTP out. Handlers parse, make one call to the store, and convert; they decide nothing and spawn nothing.

mod access;
mod app;
mod assets;
mod convert;
mod error;
mod explain;
mod extract;
mod health;
mod idempotency;
mod metrics;
mod middleware;
mod openapi;
mod pages;
mod projects;
mod query;
mod record;
mod schemas;
mod wait;

use actix_web::dev::Server;
use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::middleware::{Compress, NormalizePath, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App as ActixApp, HttpServer, Resource, Route};

pub use app::App;
pub use openapi::document as openapi_document;
pub use schemas::Schemas;

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
    config.service(web::scope("/api/v1").configure(api)).configure(pages::routes).configure(api);
}

fn api(config: &mut ServiceConfig) {
    config
        .service(resource("/projects", &["GET", "POST"], [get().to(projects::list), web::post().to(projects::create)]))
        .service(resource(
            "/projects/{id}",
            &["GET", "PATCH", "DELETE"],
            [get().to(projects::get), web::patch().to(projects::patch), web::delete().to(projects::delete)],
        ))
        .service(resource("/projects/{id}/retry", &["POST"], [web::post().to(projects::retry)]))
        .service(resource("/projects/{id}/events", &["GET"], [get().to(record::events)]))
        .service(resource("/projects/{id}/explain", &["GET"], [get().to(explain::explain)]))
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
