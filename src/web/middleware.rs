//! Wraps every request: request id, security headers, log line and metrics.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use slog::{error, info};
use uuid::Uuid;

use crate::telemetry::{RequestLabels, RouteLabels};
use crate::web::app::App;
use crate::web::error::Cause;
use crate::web::request_id;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Pages may only load what this server serves.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Runs the request.
pub async fn frame(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let id = client_request_id(request.headers()).unwrap_or_else(|| Uuid::now_v7().to_string());
    let (method, path) = (request.method().to_string(), request.path().to_owned());
    let app = request.app_data::<Data<App>>().cloned();
    let mut response = request_id::scope(id.clone(), next.call(request)).await?;
    add_headers(response.headers_mut(), &id);
    if let Some(app) = app {
        let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
        let labels =
            RequestLabels { method: known_method(&method), route: route.clone(), status: response.status().as_u16() };
        let elapsed = started.elapsed().as_secs_f64();
        app.telemetry.requests.get_or_create(&labels).inc();
        app.telemetry.request_seconds.get_or_create(&RouteLabels { route }).observe(elapsed);
        app.process_status.acted("api");
        log(&app, &response, &id, &method, &path, elapsed * 1000.0);
    }
    Ok(response)
}

fn log<B>(app: &App, response: &ServiceResponse<B>, id: &str, method: &str, path: &str, duration_ms: f64) {
    let status = response.status().as_u16();
    let duration_ms = (duration_ms * 1000.0).round() / 1000.0;
    let extensions = response.response().extensions();
    let cause = extensions.get::<Cause>().map(|cause| cause.0.as_str());
    if status >= 500 {
        error!(app.log, "request failed"; "request_id" => id, "method" => method, "path" => path, "status" => status,
            "duration_ms" => duration_ms, "error" => cause);
    } else {
        info!(app.log, "request"; "request_id" => id, "method" => method, "path" => path, "status" => status,
            "duration_ms" => duration_ms);
    }
}

/// The method as a metrics label. Unknown methods share one label, so that clients cannot create new ones.
fn known_method(method: &str) -> &'static str {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    methods.into_iter().find(|known| *known == method).unwrap_or("OTHER")
}

/// The client's own request id, if it is short and safe to log.
fn client_request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"._:/+=@-".contains(&b);
    ((1..=128).contains(&text.len()) && text.bytes().all(is_safe)).then(|| text.to_owned())
}

fn add_headers(headers: &mut HeaderMap, id: &str) {
    let fixed = [
        ("content-security-policy", CSP),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, value);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
