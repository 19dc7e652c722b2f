//! ANSWERS: HTTP in, HTTP out. A handler parses the request, calls the store once and converts the result. Handlers decide
//! nothing and spawn nothing. `api` is the JSON API and `dashboard` the pages; both share what stands beside them here.

pub mod api;
pub mod dashboard;

mod access;
mod app;
mod assets;
mod error;
mod extract;
mod middleware;
mod query;

use actix_web::dev::Server;
use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::middleware::{Compress, NormalizePath, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App as ActixApp, HttpServer, Resource, Route};

pub use api::openapi::document as openapi_document;
pub use api::schemas::Schemas;
pub use api::stream::MOST_STREAMS;
pub use app::App;

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

/// The API is mounted twice, under `/api/v1` and at the root, and the dashboard once.
fn routes(config: &mut ServiceConfig) {
    config.service(web::scope("/api/v1").configure(api::routes)).configure(dashboard::routes).configure(api::routes);
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
