//! The API's own description, generated from the handlers.

use actix_web::HttpResponse;
use utoipa::OpenApi;

use super::{explain, health, metrics, projects, record};
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
    tags((name = "projects", description = "What people ask for"), (name = "operations", description = "For those who run it")),
    paths(
        projects::create, projects::list, projects::get, projects::patch, projects::delete, projects::retry,
        record::events, explain::explain,
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
