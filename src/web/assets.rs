//! What the dashboard's pages are made of, embedded in the binary.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Path;
use actix_web::{HttpResponse, ResponseError};
use sha2::{Digest, Sha256};

use crate::web::access::hex;
use crate::web::error::ApiError;

struct Asset {
    path: &'static str,
    kind: &'static str,
    body: &'static [u8],
}

const ASSETS: &[Asset] = &[
    Asset {
        path: "app.css",
        kind: "text/css; charset=utf-8",
        body: include_bytes!(concat!(env!("OUT_DIR"), "/app.css")),
    },
    Asset {
        path: "live.js",
        kind: "text/javascript; charset=utf-8",
        body: include_bytes!(concat!(env!("OUT_DIR"), "/live.js")),
    },
    Asset {
        path: "keys.js",
        kind: "text/javascript; charset=utf-8",
        body: include_bytes!(concat!(env!("OUT_DIR"), "/keys.js")),
    },
    Asset { path: "favicon.svg", kind: "image/svg+xml", body: include_bytes!("../../static/favicon.svg") },
    Asset {
        path: "vendor/idiomorph-0.8.0.min.js",
        kind: "text/javascript; charset=utf-8",
        body: include_bytes!("../../static/vendor/idiomorph-0.8.0.min.js"),
    },
];

/// Changes whenever an asset does, so that browsers may keep assets for ever.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    ASSETS.iter().for_each(|asset| hash.update(asset.body));
    hex(&hash.finalize())[..12].to_owned()
});

/// `GET /static/{path}`.
pub async fn serve(path: Path<String>) -> HttpResponse {
    match ASSETS.iter().find(|asset| asset.path == path.as_str()) {
        Some(asset) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, asset.kind))
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(asset.body),
        None => ApiError::NoRoute.error_response(),
    }
}
