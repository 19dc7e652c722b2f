//! `/metrics`: the numbers, as JSON for people and programs, and as text for Prometheus.

use actix_web::http::header::ACCEPT;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::domain::ProjectStatus;
use crate::signal::ListenMode;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::wire::{CountsByStatus, Metrics, Problem};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How many projects there are, by status. As Prometheus text when `Accept` asks for it.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, body = Metrics), (status = 503, body = Problem)))]
pub async fn metrics(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wants_text = ["application/openmetrics-text", "text/plain"].iter().any(|kind| accept.contains(kind));
    // Many HTTP clients send `application/json, text/plain, */*` by themselves and mean JSON.
    if wants_text && !accept.contains("application/json") {
        return prometheus(app).await;
    }
    let counts = app.store.count_projects().await?;
    let failed_total = counts.get(&ProjectStatus::Failed).copied().unwrap_or_default();
    let counts = counts.into_iter().map(|(status, n)| (status.to_string(), n)).collect();
    Ok(HttpResponse::Ok().json(Metrics { counts_by_status: CountsByStatus(counts), failed_total }))
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueStateLabels {
    queue: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: String,
}

/// Everything this process counts, and what the database knows, in the OpenMetrics text format. It answers while the
/// database is down too: then `provost_database_up` is 0 and the projects are missing.
#[utoipa::path(get, path = "/metrics/prometheus", tag = "operations",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub async fn prometheus(app: Data<App>) -> Result<HttpResponse, ApiError> {
    let mut registry = app.telemetry.registry();
    let (up, listening) = (Gauge::<i64>::default(), Gauge::<i64>::default());
    registry.register("database_up", "Whether the database answers", up.clone());
    registry.register(
        "listener_notify",
        "1 while notifications arrive, 0 while only the poll finds work",
        listening.clone(),
    );
    listening.set(i64::from(app.process_status.listener().mode == ListenMode::Notify));
    if let Ok(counts) = app.store.count_projects().await {
        up.set(1);
        let projects = Family::<StatusLabel, Gauge>::default();
        for (status, n) in counts {
            projects.get_or_create(&StatusLabel { status: status.as_str() }).set(n);
        }
        registry.register("projects", "Projects by status", projects);
        register_jobs(&app, &mut registry).await;
    }
    let mut text = String::new();
    // Writing to a String cannot fail.
    _ = prometheus_client::encoding::text::encode(&mut text, &registry);
    Ok(HttpResponse::Ok().content_type(OPENMETRICS).body(text))
}

/// Jobs by queue and state, and what retention has removed: read from counters. A scrape that finds the database gone on the
/// way leaves them out.
async fn register_jobs(app: &App, registry: &mut Registry) {
    let (jobs, removed) = (Family::<QueueStateLabels, Gauge>::default(), Family::<ClassLabel, Gauge>::default());
    let Ok(depth) = app.store.queue_depths(None, None).await else { return };
    for row in depth {
        jobs.get_or_create(&QueueStateLabels { queue: row.queue, state: row.state.as_str() }).inc_by(row.n);
    }
    registry.register("jobs", "Jobs by queue and state", jobs);
    let Ok(classes) = app.store.retention_stats().await else { return };
    for row in classes {
        removed.get_or_create(&ClassLabel { class: row.class }).set(row.removed);
    }
    registry.register("removed_rows", "Rows that retention has removed, by class, of all processes", removed);
}
