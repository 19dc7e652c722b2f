//! HTTP: `api` is the JSON API and `dashboard` the pages; the files next to them are shared by both. A handler parses the request,
//! calls the store and converts the result. Handlers contain no business rules and spawn no tasks.

mod api;
mod dashboard;
mod ui;

mod access;
mod app;
mod assets;
mod error;
mod extract;
mod middleware;
mod query;
mod request_id;
mod route;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, NormalizePath, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App as ActixApp, HttpServer};

pub use api::events::stream::MAX_STREAMS;
pub use api::openapi::document as openapi_document;
pub use api::schemas::registry::Schemas;
pub use app::{App, LookAtClusters};

/// Starts serving on `listener`. The server stops when its handle is stopped; it ignores signals.
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

/// The API is mounted twice, under `/api/v1` and at the root; the dashboard once.
fn routes(config: &mut ServiceConfig) {
    config.service(web::scope("/api/v1").configure(api::routes)).configure(dashboard::routes).configure(api::routes);
}
