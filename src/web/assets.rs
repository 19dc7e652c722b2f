//! Static files of the dashboard, embedded in the binary.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Path;
use actix_web::{HttpResponse, ResponseError};

use crate::web::error::ApiError;
use crate::wire::hash::sha256_hex;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, media type and content.
const ASSETS: &[(&str, &str, &[u8])] = &[
    ("app.css", CSS, include_bytes!(concat!(env!("OUT_DIR"), "/app.css"))),
    ("live.js", JAVASCRIPT, include_bytes!(concat!(env!("OUT_DIR"), "/live.js"))),
    ("keys.js", JAVASCRIPT, include_bytes!(concat!(env!("OUT_DIR"), "/keys.js"))),
    ("favicon.svg", SVG, include_bytes!("../../static/favicon.svg")),
    ("vendor/idiomorph-0.8.0.min.js", JAVASCRIPT, include_bytes!("../../static/vendor/idiomorph-0.8.0.min.js")),
];

/// Hash of all assets. It is part of their URLs, so browsers can cache them without expiry.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all: Vec<&[u8]> = ASSETS.iter().map(|(_, _, body)| *body).collect();
    sha256_hex(all.concat())[..12].to_owned()
});

/// `GET /static/{path}`.
pub async fn serve(path: Path<String>) -> HttpResponse {
    match ASSETS.iter().find(|(name, ..)| *name == path.as_str()) {
        Some((_, media_type, body)) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, *media_type))
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(*body),
        None => ApiError::NoRoute.error_response(),
    }
}
